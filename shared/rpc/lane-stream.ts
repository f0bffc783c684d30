import { ThroughlineError } from "../errors/error.ts";
import { OwedAcknowledgement } from "./acknowledgement.ts";
import { BodySender } from "./body-sender.ts";
import { ClientCall } from "./client-call.ts";
import { cancelledError, deadlineError } from "./faults.ts";
import { decodeError, type LaneMethodParts, messageFor } from "./lane-parts.ts";
import { callOp } from "./link.ts";
import type { LaneStream, OpenOptions } from "./types.ts";

const defaultOutcomeGraceMs = 5_000;
const defaultHighWaterBytes = 16 * 1024;

/** What keeping a frame costs beside its bytes: the objects around it, about. */
const heldFrameBytes = 200;

/** A frame that nobody has read yet; decoded only where its size was asked for. */
interface HeldFrame<P> {
  readonly bytes: number;
  readonly payload: P | undefined;
  readonly frame: unknown;
}

interface Waiter {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

interface Taker {
  take(frame: unknown): Promise<void> | undefined;
  /** True: it cannot take more yet. */
  busy: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Opens a streaming call. What cannot be sent fails as if the server had refused it. */
export function openLaneStream<P>(
  parts: LaneMethodParts<P>,
  item: unknown,
  options: OpenOptions<unknown>,
): LaneStream<unknown, unknown> {
  const { codec } = parts;
  const highWaterBytes = options.highWaterBytes ?? defaultHighWaterBytes;
  const { frameBytes } = options;
  const { promise: outcome, resolve: resolveOutcome, reject: rejectOutcome } = Promise.withResolvers<unknown>();
  // Who only iterates has seen the error there.
  outcome.catch(() => {});

  let frames: HeldFrame<P>[] = [];
  let heldBytes = 0;
  let paused = false;
  /** Set: no more frames will be read. `error`: what the loop throws at its end. */
  let ended: { error: ThroughlineError | undefined } | undefined;
  /** Set: the call was cancelled or is past its deadline; what the outcome rejects with when the grace is over. */
  let stopped: ThroughlineError | undefined;
  let waiter: Waiter | undefined;
  /** Who takes frames by a callback. */
  let taker: Taker | undefined;
  /** What this turn of the loop brought for the taker. It is given at the turn's end: by then it is known whether it is all. */
  let fresh: P[] = [];
  let giving = false;

  function endLoop(error: ThroughlineError | undefined): void {
    if (ended !== undefined) return;
    ended = { error };
    if (taker !== undefined) giveSoon();
    const waiting = waiter;
    waiter = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }

  function dropFrames(): void {
    frames = [];
    fresh = [];
    heldBytes = 0;
  }

  function fail(error: ThroughlineError): void {
    endLoop(error);
    rejectOutcome(error);
  }

  /** Stops reading, asks the handler to stop, and waits for its outcome within the grace. */
  function stop(reason: ThroughlineError, loopError: ThroughlineError | undefined): void {
    if (call === undefined || call.done || stopped !== undefined) return;
    stopped = reason;
    dropFrames();
    endLoop(loopError);
    if (call.lane === undefined) {
      call.abandon(reason);
      return;
    }
    call.control(callOp.cancel);
    call.extend(options.outcomeGraceMs ?? defaultOutcomeGraceMs);
  }

  function onFrame(payload: P): void {
    if (ended !== undefined) return;
    if (taker?.busy === false) {
      fresh.push(payload);
      giveSoon();
      return;
    }
    const waiting = waiter;
    if (waiting !== undefined) {
      waiter = undefined;
      try {
        waiting.resolve({ done: false, value: codec.decodeFrame(payload) });
      } catch (error) {
        waiting.reject(ThroughlineError.from(error));
      }
      return;
    }
    keep(payload);
  }

  function keep(payload: P): void {
    const held = hold(payload);
    frames.push(held);
    heldBytes += held.bytes;
    if (!paused && heldBytes > highWaterBytes) {
      paused = true;
      call?.control(callOp.pause);
    }
  }

  function giveSoon(): void {
    if (giving) return;
    giving = true;
    queueMicrotask(give);
  }

  /** Gives the taker what it can take. */
  function give(): void {
    giving = false;
    if (taker === undefined || taker.busy) return;
    try {
      while (frames.length > 0 || fresh.length > 0) {
        const held = frames.shift();
        const ready = taker.take(held === undefined ? codec.decodeFrame(fresh.shift() as P) : takeFrame(held));
        if (ready === undefined) continue;
        taker.busy = true;
        ready.then(goOn, stopGiving);
        // What the taker leaves must neither go uncounted nor keep the message that it came in.
        for (const payload of fresh.splice(0)) keep(payload);
        return;
      }
    } catch (error) {
      stopGiving(error);
      return;
    }
    if (ended === undefined) return;
    if (ended.error === undefined) taker.resolve();
    else taker.reject(ended.error);
  }

  function goOn(): void {
    if (taker !== undefined) taker.busy = false;
    give();
  }

  /** The taker could not take a frame, so it gets no more. */
  function stopGiving(error: unknown): void {
    taker?.reject(ThroughlineError.from(error));
    taker = undefined;
  }

  function want(payload: P): void {
    const { body } = options;
    if (body === undefined || stopped !== undefined) return;
    sender ??= new BodySender(body, {
      isOver: () => call === undefined || call.done || stopped !== undefined,
      send: (offset, bytes) => call?.sendData(codec.data(offset, bytes)),
      failed: (error) => stop(error, error),
    });
    const { offset, bytes } = codec.decodeWant(payload);
    sender.want(offset, bytes);
  }

  function hold(payload: P): HeldFrame<P> {
    if (frameBytes === undefined) {
      const kept = codec.hold(payload);
      return { bytes: codec.bytes(kept) + heldFrameBytes, payload: kept, frame: undefined };
    }
    const frame = codec.decodeFrame(codec.hold(payload));
    return { bytes: frameBytes(frame), payload: undefined, frame };
  }

  function takeFrame(held: HeldFrame<P>): unknown {
    heldBytes -= held.bytes;
    if (paused && heldBytes < highWaterBytes / 2) {
      paused = false;
      call?.control(callOp.resume);
    }
    return held.payload === undefined ? held.frame : codec.decodeFrame(held.payload);
  }

  const acknowledgement = new OwedAcknowledgement();
  let sender: BodySender | undefined;
  const message = messageFor(parts, item, options);
  let call: ClientCall<P> | undefined;
  if (message instanceof ThroughlineError) fail(message);
  else {
    call = new ClientCall<P>(
      message,
      options,
      false,
      parts.deadlines,
      {
        ok: (payload) => {
          try {
            resolveOutcome(codec.decodeOk(payload));
            endLoop(undefined);
          } catch (error) {
            fail(ThroughlineError.from(error));
          }
        },
        frame: onFrame,
        want,
        refused: (payload) => fail(decodeError(codec, payload)),
        failed: fail,
        expired: () => {
          if (stopped !== undefined) call?.abandon(stopped);
          else {
            const error = deadlineError();
            stop(error, error);
          }
        },
        aborted: () => stop(cancelledError(), undefined),
      },
      options.acknowledges ? acknowledgement : undefined,
    );
    parts.pool.submit(call);
  }

  const iterator: AsyncIterator<unknown, undefined> = {
    next: () =>
      new Promise((resolve, reject) => {
        const held = frames.shift();
        if (held !== undefined) resolve({ done: false, value: takeFrame(held) });
        else if (ended === undefined) waiter = { resolve, reject };
        else if (ended.error === undefined) resolve({ done: true, value: undefined });
        else reject(ended.error);
      }),
    return: () => {
      stop(cancelledError(), undefined);
      dropFrames();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return {
    outcome,
    cancel: () => stop(cancelledError(), undefined),
    each: (take) =>
      new Promise((resolve, reject) => {
        taker = { take, busy: false, resolve, reject };
        giveSoon();
      }),
    isLast: () => ended !== undefined && frames.length === 0 && fresh.length === 0,
    acknowledgement,
    [Symbol.asyncIterator]: () => iterator,
  };
}
