import type { Dispatcher } from "undici";
import type { Patience } from "./patience.ts";
import type { Turns, Waiting } from "./turns.ts";
import type { Unpacker } from "./unpack.ts";

/**
 * After so many bytes a call lets a turn of the loop go by, in which `pause` can be called by whoever hears of a slow reader
 * by another socket. A socket with much to say is read 32 times in a turn, 2 MB in all: 300 readers that read nothing held
 * 1.2 GB before the first pause came through.
 */
const maxUnheardBytes = 32 * 1024;

/** When the socket of a call is read, and when it has to wait: for its reader, or for its turn. */
export class Reading implements Waiting {
  /** Undefined: the request is not written yet. */
  controller: Dispatcher.DispatchController | undefined = undefined;
  /** Unpacks a body that came packed. */
  unpacker: Unpacker | undefined = undefined;
  paused = false;
  readonly #patience: Patience;
  readonly #turns: Turns<Reading>;
  #begun = false;
  #over = false;
  #waiting = false;
  #unheardBytes = 0;

  constructor(patience: Patience, turns: Turns<Reading>) {
    this.#patience = patience;
    this.#turns = turns;
  }

  /** The head has come. */
  begin(): void {
    this.#begun = true;
    if (this.paused) {
      this.#patience.silenceIsOurs();
      this.controller?.pause();
    } else {
      this.#patience.listen();
    }
  }

  pause(): void {
    if (this.#over || this.paused) return;
    this.paused = true;
    this.#patience.stand();
    this.unpacker?.pause();
    if (this.#begun) {
      this.#patience.silenceIsOurs();
      queueMicrotask(this.#hold);
    }
  }

  /**
   * Not within the reading of a piece: undici would put the rest of it back before what the socket has read since, and
   * copy all of that with every resume. A call that was paused and resumed all the time held 1 MB so, and took a core.
   */
  readonly #hold = (): void => {
    if (this.paused && !this.#over) this.controller?.pause();
  };

  resume(): void {
    if (this.#over || !this.paused) return;
    this.paused = false;
    this.unpacker?.resume();
    if (this.#begun) this.#waitForTurn();
  }

  /** So many bytes have been read. */
  read(bytes: number): void {
    this.#unheardBytes += bytes;
    if (this.#unheardBytes <= maxUnheardBytes) return;
    this.#unheardBytes = 0;
    this.controller?.pause();
    this.#waitForTurn();
  }

  /** What the unpacker had read it has given. */
  drained(): void {
    if (!this.paused && !this.#waiting) this.controller?.resume();
  }

  /** Nothing more is read. */
  end(): void {
    this.#over = true;
    this.unpacker?.destroy();
  }

  #waitForTurn(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#patience.silenceIsOurs();
    this.#turns.add(this);
  }

  /** The turns call this when it may go on. */
  goOn(): void {
    this.#waiting = false;
    if (this.#over || this.paused) return;
    this.#patience.listen();
    this.controller?.resume();
  }
}
