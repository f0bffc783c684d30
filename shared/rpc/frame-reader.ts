import { ThroughlineError } from "../errors/error.ts";
import type { ClientCodec } from "./link.ts";

/** What waits for it comes behind what runs now. */
const now = Promise.resolve();
const defaultHighWaterBytes = 8 * 1024;

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

/** Who takes frames by a callback. */
interface Taker {
  take(frame: unknown): Promise<void> | undefined;
  /** True: it cannot take more yet. */
  busy: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** How frames are read. */
export interface FrameReading {
  readonly highWaterBytes?: number | undefined;
  readonly frameBytes?: ((frame: unknown) => number) | undefined;
}

/**
 * The frames of a streaming call on their way to who reads them: by a loop, or by a callback. What nobody has taken is held
 * and counted, and above a bound the handler is asked to pause. A class: a closure for each step would be made for each call.
 */
export class FrameReader<P> implements AsyncIterator<unknown, undefined> {
  readonly #codec: ClientCodec<P>;
  readonly #reading: FrameReading;
  readonly #highWaterBytes: number;
  readonly #onPause: (paused: boolean) => void;
  #frames: HeldFrame<P>[] = [];
  /** What a message brought for the taker. It is given behind the message: by then it is known whether it is all. */
  #fresh: P[] = [];
  #heldBytes = 0;
  #paused = false;
  #giving = false;
  #ended = false;
  #error: ThroughlineError | undefined = undefined;
  #waiter: Waiter | undefined = undefined;
  #taker: Taker | undefined = undefined;

  constructor(codec: ClientCodec<P>, reading: FrameReading, onPause: (paused: boolean) => void) {
    this.#codec = codec;
    this.#reading = reading;
    this.#highWaterBytes = reading.highWaterBytes ?? defaultHighWaterBytes;
    this.#onPause = onPause;
  }

  /** A frame has come. True: `give` is to be called when all is there that came with it. */
  frame(payload: P): boolean {
    if (this.#ended) return false;
    if (this.#taker?.busy === false) {
      this.#fresh.push(payload);
      if (this.#giving) return false;
      this.#giving = true;
      return true;
    }
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#hold(payload);
      return false;
    }
    this.#waiter = undefined;
    try {
      waiter.resolve({ done: false, value: this.#codec.decodeFrame(payload) });
    } catch (error) {
      waiter.reject(ThroughlineError.from(error));
    }
    return false;
  }

  /** No more frames will come. `error`: what the reader is told behind the last one. */
  end(error: ThroughlineError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (this.#taker !== undefined) this.#giveSoon();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) this.#tellEnd(waiter);
  }

  /** Forgets what nobody has taken. */
  drop(): void {
    this.#frames = [];
    this.#fresh = [];
    this.#heldBytes = 0;
  }

  /** True: the end is known, and every frame was given. */
  get isLast(): boolean {
    return this.#ended && this.#frames.length === 0 && this.#fresh.length === 0;
  }

  /** True: another frame or the end is given in this turn of the loop. */
  get hasMore(): boolean {
    return this.#ended || this.#frames.length > 0 || this.#fresh.length > 0;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      const held = this.#frames.shift();
      if (held !== undefined) resolve({ done: false, value: this.#release(held) });
      else if (this.#ended) this.#tellEnd({ resolve, reject });
      else this.#waiter = { resolve, reject };
    });
  }

  /** Gives the frames to a callback. */
  each(take: Taker["take"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#taker = { take, busy: false, resolve, reject };
      this.#giveSoon();
    });
  }

  #tellEnd({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }

  #hold(payload: P): void {
    const { frameBytes } = this.#reading;
    const kept = this.#codec.hold(payload);
    const frame = frameBytes === undefined ? undefined : this.#codec.decodeFrame(kept);
    const bytes = frameBytes === undefined ? this.#codec.bytes(kept) + heldFrameBytes : frameBytes(frame);
    this.#frames.push({ bytes, payload: frameBytes === undefined ? kept : undefined, frame });
    this.#heldBytes += bytes;
    if (!this.#paused && this.#heldBytes > this.#highWaterBytes) {
      this.#paused = true;
      this.#onPause(true);
    }
  }

  #release({ bytes, payload, frame }: HeldFrame<P>): unknown {
    this.#heldBytes -= bytes;
    if (this.#paused && this.#heldBytes < this.#highWaterBytes / 2) {
      this.#paused = false;
      this.#onPause(false);
    }
    return payload === undefined ? frame : this.#codec.decodeFrame(payload);
  }

  #giveSoon(): void {
    if (this.#giving) return;
    this.#giving = true;
    void now.then(() => this.give());
  }

  /** Gives the taker what it can take. */
  give(): void {
    this.#giving = false;
    const taker = this.#taker;
    if (taker === undefined || taker.busy) return;
    try {
      while (this.#frames.length > 0 || this.#fresh.length > 0) {
        const held = this.#frames.shift();
        const frame = held === undefined ? this.#codec.decodeFrame(this.#fresh.shift() as P) : this.#release(held);
        const ready = taker.take(frame);
        if (ready === undefined) continue;
        taker.busy = true;
        ready.then(
          () => {
            taker.busy = false;
            this.give();
          },
          (error: unknown) => this.#stopGiving(error),
        );
        // Frames that the taker leaves must be counted, and must not keep the message that they came in.
        for (const payload of this.#fresh.splice(0)) this.#hold(payload);
        return;
      }
    } catch (error) {
      this.#stopGiving(error);
      return;
    }
    if (!this.#ended) return;
    if (this.#error === undefined) taker.resolve();
    else taker.reject(this.#error);
  }

  /** The taker could not take a frame, so it gets no more. */
  #stopGiving(error: unknown): void {
    this.#taker?.reject(ThroughlineError.from(error));
    this.#taker = undefined;
  }
}
