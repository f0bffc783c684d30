import type { Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Head, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Answer } from "../story/ask.ts";

/** What an answer came to. */
export interface Ended {
  readonly head: Head | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly outcome: Outcome | undefined;
  /** What it costs, once that is durable; absent: nothing is charged for it. */
  readonly settled: Promise<Settlement | undefined> | undefined;
}

/** An answer that is kept for who asked, in place of being sent. */
export interface CollectedAnswer extends Answer {
  /** All bytes that were given. */
  bytes(): Buffer;
  ended(): Ended;
}

/** An answer that is collected whole. `gone` aborts when the client leaves. */
export function createCollectedAnswer(gone: AbortSignal): CollectedAnswer {
  const parts: Uint8Array[] = [];
  const ended = createEnded();
  return {
    begin: ended.begin,
    write(data) {
      parts.push(data);
      return undefined;
    },
    letGo() {},
    end() {},
    fail() {},
    onGone: (listener) => whenGone(gone, listener),
    isGone: () => gone.aborted,
    // The client gets only the error where an answer broke off.
    hasBegun: () => false,
    settles: ended.settles,
    bytes: () => Buffer.concat(parts),
    ended: ended.now,
  };
}

/** Keeps what an answer came to. */
export function createEnded() {
  let head: Head | undefined;
  let headers: Readonly<Record<string, string>> = {};
  let outcome: Outcome | undefined;
  let settled: Promise<Settlement | undefined> | undefined;
  return {
    begin(given: Head, more: Readonly<Record<string, string>>): void {
      head = given;
      headers = more;
    },
    settles(given: Outcome | undefined, when: Promise<Settlement | undefined>): void {
      outcome = given;
      settled = when;
    },
    now: (): Ended => ({ head, headers, outcome, settled }),
  };
}

/** Calls back once when the signal aborts, at once where it has. */
export function whenGone(gone: AbortSignal, listener: () => void): void {
  if (gone.aborted) listener();
  else gone.addEventListener("abort", listener, { once: true });
}
