import { ThroughlineError } from "../errors/error.ts";
import { ClientCall } from "./client-call.ts";
import type { Deadlines } from "./deadlines.ts";
import { cancelledError, deadlineError, tooLargeError } from "./faults.ts";
import type { LanePool } from "./lane-pool.ts";
import { openLaneStream } from "./lane-stream.ts";
import { type ClientCodec, callOp } from "./link.ts";
import type { CallOptions, LaneStream, OpenOptions } from "./types.ts";

/** What a lane method of a client is made of. */
export interface LaneMethodParts<P> {
  readonly codec: ClientCodec<P>;
  readonly pool: LanePool<P>;
  readonly deadlines: Deadlines;
  readonly idempotent: boolean;
  readonly maxMessageBytes: number;
}

/** A lane method before its types are put on. */
export interface LooseLaneMethod {
  call(item: unknown, options: CallOptions): Promise<unknown>;
  open(item: unknown, options: OpenOptions<unknown>): LaneStream<unknown, unknown>;
}

/** Makes the method that a client shows. */
export function createLaneMethod<P>(parts: LaneMethodParts<P>): LooseLaneMethod {
  return {
    call: (item, options) => new Promise((resolve, reject) => startCall(parts, item, options, resolve, reject)),
    open: (item, options) => openLaneStream(parts, item, options),
  };
}

function startCall<P>(
  parts: LaneMethodParts<P>,
  item: unknown,
  options: CallOptions,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): void {
  const { codec, pool } = parts;
  const encoded = encode(parts, item, options);
  if (encoded instanceof ThroughlineError) {
    reject(encoded);
    return;
  }
  const { payload, bytes } = encoded;
  const call = new ClientCall<P>(payload, bytes, options, parts.idempotent, parts.deadlines, {
    ok: (answer) => {
      try {
        resolve(codec.decodeOk(answer));
      } catch (error) {
        reject(ThroughlineError.from(error));
      }
    },
    // A caller that wants the end only.
    frame: () => {},
    refused: (answer) => reject(decodeError(codec, answer)),
    failed: reject,
    expired: () => call.abandon(deadlineError()),
    aborted: () => {
      call.control(callOp.cancel);
      call.abandon(cancelledError());
    },
  });
  pool.submit(call);
}

/** The item's payload, or why it cannot be sent. */
export function encode<P>(
  parts: LaneMethodParts<P>,
  item: unknown,
  options: CallOptions,
): { payload: P; bytes: number } | ThroughlineError {
  if (options.signal?.aborted) return cancelledError();
  if (!(options.timeoutMs > 0)) return deadlineError();
  try {
    const payload = parts.codec.encodeItem(item);
    const bytes = parts.codec.bytes(payload);
    return bytes > parts.maxMessageBytes ? tooLargeError(bytes, parts.maxMessageBytes) : { payload, bytes };
  } catch (error) {
    return ThroughlineError.from(error);
  }
}

/** The error that the server answered with. */
export function decodeError<P>(codec: ClientCodec<P>, payload: P): ThroughlineError {
  try {
    return codec.decodeError(payload);
  } catch (error) {
    return ThroughlineError.from(error);
  }
}
