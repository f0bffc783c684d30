import type { ClosingRequest } from "../../shared/closing/index.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Acknowledgement } from "../../shared/rpc/index.ts";
import type { Ask } from "./ask.ts";

/** A request that holds a reservation. */
export interface Reserved {
  readonly ask: Ask;
  /** What its settlement and its record say of it. */
  readonly request: ClosingRequest;
  /** Ends the care for the reservation: it is settled. */
  readonly release: () => void;
}

/** How the answering of a request ended. */
export interface Ending {
  /** What the provider says; absent when it went away in the middle. */
  readonly outcome: Outcome | undefined;
  /** Why it failed; absent when it succeeded or the client left. */
  readonly error: ThroughlineError | undefined;
  /** The client left before the end. */
  readonly gone: boolean;
  /** Frames that the client was given, or will be. */
  readonly frames: number;
  /** Microseconds from the arrival to the first byte; 0: none. */
  readonly firstByteUs: bigint;
  /** The bytes that were given, where they are kept (one JSON body, or a request with an Idempotency-Key). */
  readonly kept: readonly Uint8Array[];
  /** Bytes of what was to be kept; above `maxStoredBytes` a stream is not. */
  readonly keptBytes: number;
  readonly contentType: string;
  /** The last frame, where the client shall have it only once the settlement is durable; absent: it was given. */
  readonly heldBack: Uint8Array | undefined;
  /** Given when settlement and record are durable: the provider need not see to them. */
  readonly acknowledgement: Acknowledgement;
}
