import type { ThroughlineError } from "../errors/error.ts";
import type { CallBody } from "./types.ts";

/** Most bytes of a body that are wanted or here and unread, of one call. */
export const bodyWindowBytes = 256 * 1024;

/** Credit is given back in steps of this size: a want for every piece would be as many messages again. */
const wantStepBytes = bodyWindowBytes / 2;

interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/** What the body of a call needs of it. */
export interface WantingCall {
  /** Asks the caller for pieces. */
  want(offset: number, bytes: number): void;
}

/**
 * The body of a call, on the handler's side: the caller keeps it, and the handler asks for what it is about to read. So a handler
 * that does not read holds nothing, and to read again is to ask from the start again.
 */
export class ReceivedBody implements CallBody {
  readonly length: number;
  readonly #call: WantingCall;
  /** What has come and nobody has taken. */
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  /** Where the next piece must begin; others belong to an earlier reading. */
  #next = 0;
  /** What was asked for, in bytes from the start of the body. */
  #wanted = 0;
  /** Which reading is served; those before it have ended. */
  #reading = 0;
  #waiter: Waiter | undefined = undefined;
  #stopped: ThroughlineError | undefined = undefined;

  constructor(length: number, call: WantingCall) {
    this.length = length;
    this.#call = call;
  }

  from(offset: number): AsyncIterableIterator<Uint8Array> {
    this.#endReading();
    this.#next = offset;
    this.#wanted = offset;
    const reading = this.#reading;
    const iterator: AsyncIterableIterator<Uint8Array> = {
      next: () => this.#take(reading),
      return: () => {
        if (reading === this.#reading) this.#endReading();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** A piece has come. */
  piece(offset: number, bytes: Uint8Array): void {
    if (this.#stopped !== undefined || offset !== this.#next || bytes.length === 0) return;
    // Nothing was wanted beyond it, so a caller that sends more cannot make the handler hold more.
    if (offset + bytes.length > this.#wanted) return;
    this.#next += bytes.length;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: bytes });
      return;
    }
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** Nothing more will come: the call is over. */
  stop(reason: ThroughlineError): void {
    this.#stopped ??= reason;
    this.#pieces = [];
    this.#heldBytes = 0;
    this.#waiter?.reject(this.#stopped);
    this.#waiter = undefined;
  }

  #endReading(): void {
    this.#reading += 1;
    this.#pieces = [];
    this.#heldBytes = 0;
    this.#waiter?.resolve({ done: true, value: undefined });
    this.#waiter = undefined;
  }

  #take(reading: number): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    if (reading !== this.#reading) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiter !== undefined) return Promise.reject(new TypeError("a body is read by one reader at a time"));
    const value = this.#pieces.shift();
    if (value !== undefined) {
      this.#heldBytes -= value.length;
      this.#want();
      return Promise.resolve({ done: false, value });
    }
    if (this.#next >= this.length) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#want();
    });
  }

  /** Asks for more where a step of the window is free. */
  #want(): void {
    const until = Math.min(this.length, this.#next - this.#heldBytes + bodyWindowBytes);
    const bytes = until - this.#wanted;
    if (bytes <= 0 || (bytes < wantStepBytes && until < this.length)) return;
    const offset = this.#wanted;
    this.#wanted = until;
    this.#call.want(offset, bytes);
  }
}
