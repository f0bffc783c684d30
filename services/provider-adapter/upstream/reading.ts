import type { Dispatcher } from "undici";
import type { Line } from "./line.ts";
import type { Patience } from "./patience.ts";
import type { Turns, Waiting } from "./turns.ts";
import type { Unpacker } from "./unpack.ts";

/**
 * After so many bytes a call lets a turn of the loop go by, in which `pause` can be called by whoever hears of a slow reader
 * by another socket. A socket with much to say is read 32 times in a turn, 512 KiB in all: 300 readers that read nothing held
 * 1.2 GB before the first pause came through.
 */
const maxUnheardBytes = 32 * 1024;
/** A stream of events lets a turn go by after every read: a slow reader holds it up more often than anything else, and it brings little. */
const maxUnheardEventBytes = 16 * 1024 - 1;

/** When the socket of a call is read, and when it has to wait: for its reader, or for its turn. */
export class Reading implements Waiting {
  /** Undefined: the request is not written yet. */
  controller: Dispatcher.DispatchController | undefined = undefined;
  /** The connection of the request that was written. */
  line: Pick<Line, "canHold" | "hold" | "release"> | undefined = undefined;
  /** Unpacks a body that came packed. */
  unpacker: Unpacker | undefined = undefined;
  paused = false;
  /** What comes is a stream of events. */
  isEvents = false;
  readonly #patience: Patience;
  readonly #turns: Turns<Reading>;
  #begun = false;
  #over = false;
  #waiting = false;
  /** The unpacker has to give what it was given first. */
  #isUnpacking = false;
  /** The socket is not read. */
  #held = false;
  #unheardBytes = 0;
  #readAtTick = 0;

  constructor(patience: Patience, turns: Turns<Reading>) {
    this.#patience = patience;
    this.#turns = turns;
  }

  /** The head has come. */
  begin(): void {
    this.#begun = true;
    if (this.paused) {
      this.#patience.silenceIsOurs();
      queueMicrotask(this.#hold);
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
    if (this.#over || !(this.paused || this.#waiting || this.#isUnpacking)) return;
    if (this.line?.canHold === true) {
      this.#held = true;
      this.line.hold();
    } else {
      this.controller?.pause();
    }
  };

  #release(): void {
    if (this.line?.canHold === true) {
      this.#held = false;
      this.line.release();
    } else {
      this.controller?.resume();
    }
  }

  resume(): void {
    if (this.#over || !this.paused) return;
    this.paused = false;
    this.unpacker?.resume();
    if (this.#begun) this.#waitForTurn();
  }

  /** So many bytes have been read. */
  read(bytes: number): void {
    // The socket was asked for more by somebody else.
    if (this.#held) queueMicrotask(this.#hold);
    // What came a tick ago was heard of long since: a usual stream is never held for it.
    const tick = this.#patience.now();
    this.#unheardBytes = tick === this.#readAtTick ? this.#unheardBytes + bytes : bytes;
    this.#readAtTick = tick;
    if (this.#unheardBytes <= (this.isEvents ? maxUnheardEventBytes : maxUnheardBytes)) return;
    this.#unheardBytes = 0;
    if (this.line?.canHold === true) queueMicrotask(this.#hold);
    else this.controller?.pause();
    this.#waitForTurn();
  }

  /** The unpacker has enough for now. */
  filled(): void {
    this.#isUnpacking = true;
    if (this.line?.canHold === true) queueMicrotask(this.#hold);
    else this.controller?.pause();
  }

  /** What the unpacker had read it has given. */
  drained(): void {
    this.#isUnpacking = false;
    if (!this.paused && !this.#waiting) this.#release();
  }

  /** Nothing more is read. */
  end(): void {
    if (this.#held) this.#release();
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
    if (!this.#isUnpacking) this.#release();
  }
}
