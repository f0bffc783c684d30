import { ThroughlineError } from "../errors/error.ts";
import type { BodySource } from "./types.ts";

/** Largest piece of a body. */
const pieceBytes = 64 * 1024;

/** What the sender of a body needs of its call. */
export interface SendingCall {
  /** True: nobody wants the body any more. */
  isOver(): boolean;
  /** Sends a piece; the promise resolves when the lane can take another one. */
  send(offset: number, bytes: Uint8Array): Promise<void> | undefined;
  /** The source cannot be read. */
  failed(error: ThroughlineError): void;
}

/** Sends the body of a call in pieces, as its handler wants them; the caller's side of `ReceivedBody`. */
export class BodySender {
  readonly #source: BodySource;
  readonly #call: SendingCall;
  #next = 0;
  #end = 0;
  #running = false;

  constructor(source: BodySource, call: SendingCall) {
    this.#source = source;
    this.#call = call;
  }

  /** The handler wants pieces: the next ones, or those from another place. */
  want(offset: number, bytes: number): void {
    if (offset !== this.#end) this.#next = offset;
    this.#end = Math.min(this.#source.length, offset + bytes);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#next < this.#end && !this.#call.isOver()) {
        const offset = this.#next;
        const bytes = await this.#source.read(offset, Math.min(pieceBytes, this.#end - offset));
        // The handler reads from another place meanwhile.
        if (offset !== this.#next) continue;
        if (bytes.length === 0) throw new Error(`the body ends at ${offset} of ${this.#source.length} bytes`);
        this.#next += bytes.length;
        const ready = this.#call.send(offset, bytes);
        if (ready !== undefined) await ready;
      }
    } catch (error) {
      this.#call.failed(ThroughlineError.from(error));
    } finally {
      this.#running = false;
    }
  }
}
