import type { ThroughlineError } from "../errors/error.ts";
import type { OwedAcknowledgement, OwedLane } from "./acknowledgement.ts";
import type { DeadlineEntry, Deadlines, Expiring } from "./deadlines.ts";
import { callOp, type LooseMessage, type OutgoingItem } from "./link.ts";
import type { CallOptions } from "./types.ts";

/** Who waits for a call's results. */
export interface CallReader<P> {
  ok(payload: P): void;
  /** True: `given` is to be called when all is there that came with it. */
  frame(payload: P): boolean;
  /** All is there that came with a frame. */
  given(): void;
  /** The handler wants pieces of the call's body. */
  want(payload: P): void;
  /** The server answered with an error. */
  refused(payload: P): void;
  /** The call ended on this side: no lane, a broken one, the deadline, a cancel. */
  failed(error: ThroughlineError): void;
  /** The deadline passed. */
  expired(): void;
  /** The caller's signal aborted. */
  aborted(): void;
}

/** Where a call is open: what it needs of its lane. */
export interface CallLane extends OwedLane {
  /** Sends cancel, pause or resume with the items of this tick. */
  control(item: OutgoingItem): void;
  /** Sends a piece of a body when the lane can take it; the promise resolves then. */
  data(item: OutgoingItem): Promise<void>;
  /** Forgets the call: what still comes for it is dropped. */
  forget(callId: number): void;
}

/** One call of a client, from the asking to its end; it is also the item that opens it. */
export class ClientCall<P> implements OutgoingItem, Expiring {
  readonly op = callOp.open;
  readonly requestId: bigint;
  readonly traceparent: string;
  /** When the caller stops waiting, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** When it began to wait for a lane. */
  waitingSinceMs: number;
  /** Gone once it was sent and cannot be sent again. */
  message: LooseMessage | undefined;
  callId = 0;
  nextInTable: ClientCall<P> | undefined = undefined;
  timeoutMs = 0;
  lane: CallLane | undefined = undefined;
  /** What its caller owes the lane, also when the call itself is over; undefined: nothing. */
  readonly acknowledgement: OwedAcknowledgement | undefined;
  /** True: it does not linger. */
  readonly waited: boolean;
  /** True: it may be sent once more when its lane breaks. */
  repeatable: boolean;
  done = false;
  readonly #reader: CallReader<P>;
  readonly #deadlines: Deadlines;
  #stopListening: (() => void) | undefined = undefined;
  #deadline: DeadlineEntry;

  constructor(
    message: LooseMessage,
    options: CallOptions,
    repeatable: boolean,
    deadlines: Deadlines,
    reader: CallReader<P>,
    acknowledgement?: OwedAcknowledgement,
  ) {
    const nowMs = performance.now();
    this.message = message;
    this.requestId = options.requestId ?? 0n;
    this.traceparent = options.traceparent ?? "";
    this.deadlineMs = nowMs + options.timeoutMs;
    this.waitingSinceMs = nowMs;
    this.waited = options.waited === true;
    this.repeatable = repeatable;
    this.acknowledgement = acknowledgement;
    this.#reader = reader;
    this.#deadlines = deadlines;
    this.#deadline = deadlines.add(this, options.timeoutMs);
    if (options.signal !== undefined) this.#stopListening = listen(options.signal, () => this.#reader.aborted());
  }

  /** The call is sent on a lane under this number. */
  sent(lane: CallLane, callId: number, nowMs: number): void {
    this.lane = lane;
    this.callId = callId;
    this.acknowledgement?.sent(lane, callId);
    this.timeoutMs = Math.min(0xffffffff, Math.max(1, Math.ceil(this.deadlineMs - nowMs)));
  }

  ok(payload: P): void {
    this.#end();
    this.#reader.ok(payload);
  }

  frame(payload: P): boolean {
    return this.#reader.frame(payload);
  }

  given(): void {
    this.#reader.given();
  }

  want(payload: P): void {
    this.#reader.want(payload);
  }

  refused(payload: P): void {
    this.#end();
    this.#reader.refused(payload);
  }

  fail(error: ThroughlineError): void {
    if (this.done) return;
    this.#end();
    this.#reader.failed(error);
  }

  expire(): void {
    if (!this.done) this.#reader.expired();
  }

  /** Sends an item about the call; nothing where it is not on a lane. */
  control(op: 1 | 2 | 3): void {
    if (this.done || this.lane === undefined) return;
    const { callId } = this;
    this.lane.control({ callId, op, requestId: 0n, traceparent: "", timeoutMs: 0, message: undefined });
  }

  /** Sends a piece of the call's body; nothing where it is not on a lane. The promise resolves when the lane has taken it. */
  sendData(message: LooseMessage): Promise<void> | undefined {
    if (this.done || this.lane === undefined) return undefined;
    const { callId } = this;
    return this.lane.data({ callId, op: callOp.data, requestId: 0n, traceparent: "", timeoutMs: 0, message });
  }

  /** Gives the call up: nothing more will be read of it. */
  abandon(error: ThroughlineError): void {
    if (this.done) return;
    this.lane?.forget(this.callId);
    this.fail(error);
  }

  /** Replaces the deadline by a new one. */
  extend(timeoutMs: number): void {
    this.#deadlines.remove(this.#deadline);
    this.#deadline = this.#deadlines.add(this, timeoutMs);
  }

  #end(): void {
    this.done = true;
    this.message = undefined;
    this.lane = undefined;
    this.#deadlines.remove(this.#deadline);
    this.#stopListening?.();
  }
}

function listen(signal: AbortSignal, onAbort: () => void): () => void {
  signal.addEventListener("abort", onAbort);
  return () => signal.removeEventListener("abort", onAbort);
}
