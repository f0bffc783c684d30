import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { BytesTranslation } from "../domain/exchange.ts";
import { good, quickFault, type Verdict } from "../resilience/verdict.ts";
import type { AttemptState } from "./attempt-state.ts";

/** Takes an answer of bytes, which go on as they come. */
export class BytesTaker {
  readonly #state: AttemptState;
  readonly #translation: BytesTranslation;

  constructor(state: AttemptState, translation: BytesTranslation) {
    this.#state = state;
    this.#translation = translation;
    state.flow = translation;
  }

  /** As of its translation. */
  get isMade(): boolean {
    return this.#translation.isMade === true;
  }

  take(chunk: Buffer): void {
    const state = this.#state;
    if (state.over) return;
    try {
      this.#give(this.#translation.chunk(chunk));
    } catch (thrown) {
      // The socket is of no more use.
      state.settleThrown(thrown);
      state.call?.abort();
      return;
    }
    if (!this.#translation.isComplete()) return;
    // As with a stream: what the connection does now is no affair of the client's.
    state.lastByteUs = state.options.clockUs();
    this.finish(good);
    state.call?.drain();
  }

  /** The upstream's answer has ended. */
  finish(verdict: Verdict): void {
    const state = this.#state;
    try {
      this.#give(this.#translation.end());
      if (!state.began) {
        state.settle(new ThroughlineError("upstream_error", "The upstream's answer was empty."), true, quickFault);
        return;
      }
      state.facts = this.#translation.facts();
      state.settle(undefined, false, verdict);
    } catch (thrown) {
      state.settleThrown(thrown);
    }
  }

  #give(data: Uint8Array): void {
    if (data.length > 0) this.#state.give(data, this.#translation.head);
  }
}
