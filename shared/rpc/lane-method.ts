import { ThroughlineError } from "../errors/error.ts";
import { type CallReader, ClientCall } from "./client-call.ts";
import { cancelledError, deadlineError } from "./faults.ts";
import { decodeError, type LaneMethodParts, messageFor } from "./lane-parts.ts";
import { openLaneStream } from "./lane-stream.ts";
import { type ClientCodec, callOp } from "./link.ts";
import type { CallOptions, LaneStream, OpenOptions } from "./types.ts";

/** A lane method before its types are put on. */
export interface LooseLaneMethod {
  call(item: unknown, options: CallOptions): Promise<unknown>;
  open(item: unknown, options: OpenOptions<unknown>): LaneStream<unknown, unknown>;
}

/** Makes the method that a client shows. */
export function createLaneMethod<P>(parts: LaneMethodParts<P>): LooseLaneMethod {
  return {
    call: (item, options) =>
      new Promise((resolve, reject) => {
        const message = messageFor(parts, item, options);
        if (message instanceof ThroughlineError) {
          reject(message);
          return;
        }
        const reader = new OneAnswer(parts.codec, resolve, reject);
        const call = new ClientCall<P>(message, options, parts.idempotent, parts.deadlines, reader);
        reader.call = call;
        parts.pool.submit(call);
      }),
    open: (item, options) => openLaneStream(parts, item, options),
  };
}

/** Turns the end of a call into a promise's. A class: five closures a call would cost as much as the rest of it. */
class OneAnswer<P> implements CallReader<P> {
  call: ClientCall<P> | undefined = undefined;
  readonly #codec: ClientCodec<P>;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: ThroughlineError) => void;

  constructor(codec: ClientCodec<P>, resolve: (value: unknown) => void, reject: (error: ThroughlineError) => void) {
    this.#codec = codec;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  ok(payload: P): void {
    try {
      this.#resolve(this.#codec.decodeOk(payload));
    } catch (error) {
      this.#reject(ThroughlineError.from(error));
    }
  }

  /** Who calls wants the end only. */
  frame(): boolean {
    return false;
  }

  given(): void {}

  /** It was opened without a body. */
  want(): void {}

  refused(payload: P): void {
    this.#reject(decodeError(this.#codec, payload));
  }

  failed(error: ThroughlineError): void {
    this.#reject(error);
  }

  expired(): void {
    this.call?.abandon(deadlineError());
  }

  aborted(): void {
    this.call?.control(callOp.cancel);
    this.call?.abandon(cancelledError());
  }
}
