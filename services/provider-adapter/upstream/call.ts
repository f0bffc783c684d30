import type { Dispatcher } from "undici";
import type { Log } from "../../../shared/log.ts";
import { type FaultKind, faultOf, type UpstreamFault } from "./faults.ts";
import type { Turns } from "./turns.ts";
import type { Watch, Watched } from "./watch.ts";

/** One request to an upstream. */
export interface UpstreamRequest {
  /** Scheme, host and port, e.g. "https://api.example.com". */
  readonly origin: string;
  /** Path with its query, beginning with a slash. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  /** Without content-length, which follows from the body. No accept-encoding is added, so answers come as they are. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: no body. Held until it is written; must not change. */
  readonly body?: Uint8Array;
  /** Aborts like `abort()`. Costs a listener a call: on the hot path call `abort()` instead. */
  readonly signal?: AbortSignal;
  /** Bound instead of the client's `headersTimeoutMs`; 0: none. */
  readonly headersTimeoutMs?: number;
  /** Bound instead of the client's `chunkTimeoutMs`; 0: none. */
  readonly chunkTimeoutMs?: number;
  /** Largest body taken, in bytes; beyond it the call fails with `too_large`. Absent: no bound (streams). */
  readonly maxBodyBytes?: number;
}

/** Headers of a response: lower-case names; a name that came twice has a list. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Who hears the answer. A throw from `onHead` or `onData` ends the call with the fault `internal`. */
export interface UpstreamSink {
  onHead(status: number, headers: ResponseHeaders): void;
  /** A piece of the body, as it came. It may be kept; it is not written to again. */
  onData(chunk: Buffer): void;
  /** The body is complete. Must not throw. */
  onEnd(): void;
  /** The call failed. Must not throw. */
  onError(fault: UpstreamFault): void;
}

/** A call under way. All of its methods do nothing once it has ended. */
export interface UpstreamCall {
  /** Stops reading the socket, so the upstream feels the slow reader. What was read already still arrives (128 KiB at most as a rule). */
  pause(): void;
  resume(): void;
  /** Reads on for the end of the body alone, so that the socket serves another call; closes it where that does not come soon. */
  drain(): void;
  /** Closes the socket at once; the sink hears `onError` with `aborted` before this returns. */
  abort(): void;
}

/** What the calls of one client share. */
export interface CallContext {
  readonly watch: Watch;
  readonly dispatcher: Dispatcher;
  readonly log: Pick<Log, "error"> | undefined;
  readonly headersTicks: number;
  readonly chunkTicks: number;
  /** Time to the end of a body of which nothing more is wanted. */
  readonly drainTicks: number;
  readonly turns: Turns<Call>;
}

/**
 * After so many bytes a call lets a turn of the loop go by, in which `pause` can be called by whoever hears of a slow reader
 * by another socket. A socket with much to say is read 32 times in a turn, 2 MB in all: 300 readers that read nothing held
 * 1.2 GB before the first pause came through.
 */
const maxUnheardBytes = 64 * 1024;

/** Ends a request inside undici; its message never leaves this file. */
const ended = new Error("ended");

/**
 * One call: undici's handler and the caller's handle in one object, so a request costs one allocation of ours.
 *
 * Why a call without `onRequestStart` may be sent again: undici calls it synchronously before it writes the first byte
 * to a socket, and queues the request until then. If it was never called, nothing was written. That happens when the
 * upstream resets an idle socket while undici waits a turn of the event loop to see whether that socket still lives.
 */
export class Call implements Dispatcher.DispatchHandler, UpstreamCall, Watched {
  heardAtTick = 0;
  place: Watched["place"] = undefined;
  allowedTicks: number;
  readonly #context: CallContext;
  readonly #request: UpstreamRequest;
  readonly #sink: UpstreamSink;
  readonly #chunkTicks: number;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;
  #headSeen = false;
  #over = false;
  #retried = false;
  #dispatching = false;
  #bytesLeft: number;
  #unheardBytes = 0;
  #waiting = false;
  #draining = false;

  constructor(context: CallContext, request: UpstreamRequest, sink: UpstreamSink) {
    const { watch } = context;
    this.#context = context;
    this.#request = request;
    this.#sink = sink;
    this.allowedTicks =
      request.headersTimeoutMs === undefined ? context.headersTicks : watch.ticks(request.headersTimeoutMs);
    this.#chunkTicks = request.chunkTimeoutMs === undefined ? context.chunkTicks : watch.ticks(request.chunkTimeoutMs);
    this.#bytesLeft = request.maxBodyBytes ?? Number.POSITIVE_INFINITY;
  }

  start(): void {
    const { signal } = this.#request;
    this.#context.watch.add(this);
    if (signal?.aborted === true) {
      queueMicrotask(this.#onSignal);
      return;
    }
    signal?.addEventListener("abort", this.#onSignal, { once: true });
    this.#dispatch();
  }

  #dispatch(): void {
    const { origin, path, method, headers, body } = this.#request;
    this.#dispatching = true;
    this.#context.dispatcher.dispatch({ origin, path, method, headers, body: body ?? null }, this);
    this.#dispatching = false;
  }

  pause(): void {
    if (this.#over || this.#paused) return;
    this.#paused = true;
    if (this.#headSeen) {
      this.allowedTicks = 0;
      queueMicrotask(this.#hold);
    }
  }

  /**
   * Not within the reading of a piece: undici would put the rest of it back before what the socket has read since, and
   * copy all of that with every resume. A call that was paused and resumed all the time held 1 MB so, and took a core.
   */
  readonly #hold = (): void => {
    if (this.#paused && !this.#over) this.#controller?.pause();
  };

  resume(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    if (this.#headSeen) this.#waitForTurn();
  }

  drain(): void {
    if (this.#over || this.#draining) return;
    this.#listen();
    this.#draining = true;
    this.allowedTicks = this.#context.drainTicks;
    this.resume();
  }

  abort(): void {
    this.#fail("aborted");
  }

  readonly #onSignal = (): void => {
    this.abort();
  };

  /** Of the watch. */
  onSilence(): void {
    if (this.#headSeen) this.#fail("chunk_timeout");
    else this.#fail(this.#controller === undefined ? "connect_wait" : "headers_timeout");
  }

  /** Of undici: the first byte is about to be written. A throw here spares the socket for another call. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over) throw ended;
    this.#controller = controller;
  }

  /** Of undici. */
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx: the head is yet to come.
    if (this.#over || status < 200) return;
    // Slices of the piece that the socket read, up to 64 KiB, which they would keep for as long as the answer takes.
    controller.rawHeaders = null;
    this.#headSeen = true;
    if (this.#paused) {
      this.allowedTicks = 0;
      controller.pause();
    } else {
      this.#listen();
    }
    if (Number(headers["content-length"]) > this.#bytesLeft) this.#fail("too_large");
    else this.#sink.onHead(status, headers);
  }

  /** Of undici. */
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    if (!this.#draining) this.#context.watch.touch(this);
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft < 0) {
      this.#fail("too_large");
      return;
    }
    this.#unheardBytes += chunk.length;
    if (this.#unheardBytes > maxUnheardBytes) this.#letATurnGoBy();
    this.#sink.onData(chunk);
  }

  #letATurnGoBy(): void {
    this.#unheardBytes = 0;
    this.#controller?.pause();
    this.#waitForTurn();
  }

  #waitForTurn(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    // The silence is ours.
    this.allowedTicks = 0;
    this.#context.turns.add(this);
  }

  /** Of the turns. */
  goOn(): void {
    this.#waiting = false;
    if (this.#over || this.#paused) return;
    this.#listen();
    this.#controller?.resume();
  }

  /** Of undici. */
  onResponseEnd(): void {
    if (this.#over) return;
    this.#close();
    try {
      this.#sink.onEnd();
    } catch (error) {
      // undici would report it here again, where a call that is over listens to nothing.
      this.#context.log?.error({ err: error }, "the reader of an upstream's answer failed at its end");
    }
  }

  /** Of undici. */
  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over) return;
    const fault = faultOf(error, this.#controller !== undefined, this.#headSeen);
    if (!fault.sent && fault.kind === "socket_closed" && !this.#retried) {
      this.#retried = true;
      this.#dispatch();
      return;
    }
    if (fault.kind === "internal") this.#context.log?.error({ err: error }, "a call to an upstream failed within");
    this.#close();
    // A request that undici refuses fails before the caller has its handle.
    if (this.#dispatching) queueMicrotask(() => this.#sink.onError(fault));
    else this.#sink.onError(fault);
  }

  #listen(): void {
    this.allowedTicks = this.#draining ? this.#context.drainTicks : this.#chunkTicks;
    if (!this.#draining) this.#context.watch.touch(this);
  }

  #fail(kind: FaultKind): void {
    if (this.#over) return;
    this.#close();
    this.#controller?.abort(ended);
    this.#sink.onError({ kind, sent: this.#controller !== undefined, headSeen: this.#headSeen, detail: "" });
  }

  #close(): void {
    this.#over = true;
    this.#context.watch.delete(this);
    this.#request.signal?.removeEventListener("abort", this.#onSignal);
  }
}
