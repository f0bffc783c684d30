import { ThroughlineError } from "../errors/error.ts";
import type { Deadlines } from "./deadlines.ts";
import { cancelledError, deadlineError } from "./faults.ts";
import type { LanePool } from "./lane-pool.ts";
import type { ClientCodec, LooseMessage } from "./link.ts";
import type { CallOptions } from "./types.ts";

/** What a lane method of a client is made of. */
export interface LaneMethodParts<P> {
  readonly codec: ClientCodec<P>;
  readonly pool: LanePool<P>;
  readonly deadlines: Deadlines;
  readonly idempotent: boolean;
}

/** The message to send, or why it cannot be sent. */
export function messageFor<P>(
  parts: LaneMethodParts<P>,
  item: unknown,
  options: CallOptions,
): LooseMessage | ThroughlineError {
  if (options.signal?.aborted) return cancelledError();
  if (!(options.timeoutMs > 0)) return deadlineError();
  try {
    return parts.codec.item(item);
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
