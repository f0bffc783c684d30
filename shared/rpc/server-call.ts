import type { ThroughlineError } from "../errors/error.ts";
import { ReceivedBody } from "./call-body.ts";
import type { DeadlineEntry, Deadlines } from "./deadlines.ts";
import { cancelledError, deadlineError, unavailableError } from "./faults.ts";
import type { ResultKind } from "./link.ts";
import type { Sender } from "./outbox.ts";
import type { StreamCall } from "./types.ts";

/** What a call needs of the server's lane it came by. */
export interface ServerCallLane {
  readonly deadlines: Deadlines;
  /** Queues a result; `value` is a message init, or the error. */
  send(call: ServerCall, kind: Exclude<ResultKind, "want">, value: unknown): void;
  /** Asks the caller for pieces of the call's body. */
  want(call: ServerCall, offset: number, bytes: number): void;
  /** The call is over. */
  closeCall(callId: number): void;
  /** The call was answered, and its caller owes an acknowledgement; the listener hears where it never comes. */
  owe(callId: number, listener: () => void): void;
  /** Tells the log of a fault of ours. */
  report(error: ThroughlineError): void;
}

/** One call of a lane on the server, from its arrival to its answer. */
export class ServerCall implements StreamCall<unknown>, Sender {
  readonly item: unknown;
  readonly requestId: bigint;
  readonly traceparent: string;
  readonly deadlineMs: number;
  readonly lane: ServerCallLane;
  readonly callId: number;
  nextInTable: ServerCall | undefined = undefined;
  readonly body: ReceivedBody | undefined;
  /** True: it was answered, or nobody waits for an answer any more. */
  done = false;
  waitingBytes = 0;
  inTurn = 0;
  /** True: the lane is backed up, and this call has its share of what waits. */
  pausedByLane = false;
  /** True: the caller wants no more of the call, not even to be told of its outcome. */
  acknowledged = false;
  #pausedByReader = false;
  #stopped: ThroughlineError | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #deadline: DeadlineEntry | undefined = undefined;
  #stopListener: (() => void) | undefined = undefined;
  #pauseListeners: ((paused: boolean) => void)[] | undefined = undefined;
  #unlessAcknowledged: (() => void) | undefined = undefined;

  constructor(
    lane: ServerCallLane,
    callId: number,
    item: unknown,
    requestId: bigint,
    traceparent: string,
    timeoutMs: number,
    bodyLength = 0,
  ) {
    this.lane = lane;
    this.callId = callId;
    this.item = item;
    this.requestId = requestId;
    this.traceparent = traceparent;
    this.body = bodyLength === 0 ? undefined : new ReceivedBody(bodyLength, this);
    this.deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#watchDeadline();
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped);
    }
    return this.#controller.signal;
  }

  onStop(listener: () => void): void {
    this.#watchDeadline();
    if (this.#stopped === undefined) this.#stopListener = listener;
    else listener();
  }

  #watchDeadline(): void {
    if (this.#deadline !== undefined || this.#stopped !== undefined) return;
    const leftMs = this.deadlineMs - performance.now();
    if (leftMs <= 0) this.#stopped = deadlineError();
    else if (!this.done && leftMs !== Number.POSITIVE_INFINITY) this.#deadline = this.lane.deadlines.add(this, leftMs);
  }

  /** Whether a handler should write less: its reader is slow, or the lane is. Never once stopped: it would wait for ever. */
  get paused(): boolean {
    return this.#stopped === undefined && (this.#pausedByReader || this.pausedByLane);
  }

  onPauseChange(listener: (paused: boolean) => void): void {
    this.#pauseListeners ??= [];
    this.#pauseListeners.push(listener);
  }

  /**
   * What was stopped writes nothing more. The clock does not say so: deadlines end up to 1/64 late, on both sides, and
   * frames left out in between would be a hole in an answer that then ends well.
   */
  write(frame: unknown): void {
    if (this.done || this.#stopped !== undefined) return;
    this.lane.send(this, "frame", frame);
  }

  want(offset: number, bytes: number): void {
    if (this.done || this.#stopped !== undefined) return;
    // A handler that waits for a piece must hear of the deadline.
    this.#watchDeadline();
    this.lane.want(this, offset, bytes);
  }

  /** The last result. */
  answer(kind: "ok" | "error", value: unknown): void {
    if (!this.done) {
      this.#end();
      this.lane.send(this, kind, value);
      this.lane.closeCall(this.callId);
    }
    const listener = this.#unlessAcknowledged;
    this.#unlessAcknowledged = undefined;
    if (listener !== undefined && kind === "ok" && !this.acknowledged) this.lane.owe(this.callId, listener);
  }

  unlessAcknowledged(listener: () => void): void {
    this.#unlessAcknowledged = listener;
  }

  /** Ends the call without an answer: nobody waits for one. */
  drop(): void {
    if (this.done) return;
    this.#end();
    this.lane.closeCall(this.callId);
  }

  cancel(): void {
    this.#stop(cancelledError());
  }

  expire(): void {
    this.#stop(deadlineError());
  }

  laneBroke(): void {
    this.#stop(unavailableError());
    this.#end();
  }

  /** The reader is slow, or no longer. */
  setPaused(paused: boolean): void {
    const before = this.paused;
    this.#pausedByReader = paused;
    if (this.paused !== before) this.#tellPause();
  }

  /** The lane is slow, or no longer. */
  setPausedByLane(paused: boolean): void {
    const before = this.paused;
    this.pausedByLane = paused;
    if (this.paused !== before) this.#tellPause();
  }

  #tellPause(): void {
    if (this.#pauseListeners === undefined || this.done) return;
    const { paused } = this;
    for (const listener of this.#pauseListeners) listener(paused);
  }

  #stop(reason: ThroughlineError): void {
    if (this.#stopped !== undefined || this.done) return;
    const wasPaused = this.paused;
    this.#stopped = reason;
    this.#controller?.abort(reason);
    this.body?.stop(reason);
    this.#stopListener?.();
    if (wasPaused) this.#tellPause();
  }

  #end(): void {
    this.done = true;
    this.body?.stop(cancelledError());
    if (this.#deadline !== undefined) this.lane.deadlines.remove(this.#deadline);
  }
}
