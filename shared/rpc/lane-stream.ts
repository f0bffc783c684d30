import { ThroughlineError } from "../errors/error.ts";
import { OwedAcknowledgement } from "./acknowledgement.ts";
import { BodySender } from "./body-sender.ts";
import { type CallReader, ClientCall } from "./client-call.ts";
import { cancelledError, deadlineError } from "./faults.ts";
import { FrameReader } from "./frame-reader.ts";
import { decodeError, type LaneMethodParts, messageFor } from "./lane-parts.ts";
import { callOp } from "./link.ts";
import type { LaneStream, OpenOptions } from "./types.ts";

const defaultOutcomeGraceMs = 5_000;

/** Opens a streaming call. What cannot be sent fails as if the server had refused it. */
export function openLaneStream<P>(
  parts: LaneMethodParts<P>,
  item: unknown,
  options: OpenOptions<unknown>,
): LaneStream<unknown, unknown> {
  const stream = new StreamingCall(parts, options);
  const message = messageFor(parts, item, options);
  if (message instanceof ThroughlineError) stream.failed(message);
  else {
    const owed = options.acknowledges ? stream.acknowledgement : undefined;
    const call = new ClientCall<P>(message, options, false, parts.deadlines, stream, owed);
    stream.call = call;
    parts.pool.submit(call);
  }
  return stream;
}

/** One streaming call: what its caller sees of it, and who reads what comes for it. */
class StreamingCall<P> implements LaneStream<unknown, unknown>, CallReader<P> {
  readonly acknowledgement = new OwedAcknowledgement();
  /** Absent: it could not be sent. */
  call: ClientCall<P> | undefined = undefined;
  readonly #codec: LaneMethodParts<P>["codec"];
  readonly #options: OpenOptions<unknown>;
  readonly #outcome = Promise.withResolvers<unknown>();
  readonly #frames: FrameReader<P>;
  #sender: BodySender | undefined = undefined;
  /** Set: the call was cancelled or is past its deadline; what the outcome rejects with when the grace is over. */
  #stopped: ThroughlineError | undefined = undefined;

  constructor({ codec }: LaneMethodParts<P>, options: OpenOptions<unknown>) {
    this.#codec = codec;
    this.#options = options;
    this.#frames = new FrameReader(codec, options, (paused) =>
      this.call?.control(paused ? callOp.pause : callOp.resume),
    );
    // A caller that only reads the frames has seen the error there.
    this.#outcome.promise.catch(() => {});
  }

  // ---- for its caller

  get outcome(): Promise<unknown> {
    return this.#outcome.promise;
  }

  cancel(): void {
    this.#stop(cancelledError(), undefined);
  }

  isLast(): boolean {
    return this.#frames.isLast;
  }

  hasMore(): boolean {
    return this.#frames.hasMore;
  }

  each(take: (frame: unknown) => Promise<void> | undefined): Promise<void> {
    return this.#frames.each(take);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return {
      next: () => this.#frames.next(),
      return: () => {
        this.cancel();
        this.#frames.drop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  // ---- what comes for it

  ok(payload: P): void {
    try {
      this.#outcome.resolve(this.#codec.decodeOk(payload));
      this.#frames.end(undefined);
    } catch (error) {
      this.failed(ThroughlineError.from(error));
    }
  }

  frame(payload: P): boolean {
    return this.#frames.frame(payload);
  }

  given(): void {
    this.#frames.give();
  }

  want(payload: P): void {
    const { body } = this.#options;
    if (body === undefined || this.#stopped !== undefined) return;
    this.#sender ??= new BodySender(body, {
      isOver: () => this.call === undefined || this.call.done || this.#stopped !== undefined,
      send: (offset, bytes) => this.call?.sendData(this.#codec.data(offset, bytes)),
      failed: (error) => this.#stop(error, error),
    });
    const { offset, bytes } = this.#codec.decodeWant(payload);
    this.#sender.want(offset, bytes);
  }

  refused(payload: P): void {
    this.failed(decodeError(this.#codec, payload));
  }

  failed(error: ThroughlineError): void {
    this.#frames.end(error);
    this.#outcome.reject(error);
  }

  expired(): void {
    if (this.#stopped !== undefined) this.call?.abandon(this.#stopped);
    else {
      const error = deadlineError();
      this.#stop(error, error);
    }
  }

  aborted(): void {
    this.cancel();
  }

  /** Stops reading, asks the handler to stop, and waits for its outcome within the grace. */
  #stop(reason: ThroughlineError, readerError: ThroughlineError | undefined): void {
    const { call } = this;
    if (call === undefined || call.done || this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#frames.drop();
    this.#frames.end(readerError);
    if (call.lane === undefined) {
      call.abandon(reason);
      return;
    }
    call.control(callOp.cancel);
    call.extend(this.#options.outcomeGraceMs ?? defaultOutcomeGraceMs);
  }
}
