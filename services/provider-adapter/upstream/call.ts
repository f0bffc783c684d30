import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Log } from "../../../shared/log.ts";
import type { SpentBuffers } from "../../../shared/spent-buffers.ts";
import type { BodySource } from "../domain/exchange.ts";
import { type FaultKind, faultOf, type UpstreamFault } from "./faults.ts";
import type { Line, LineHolder } from "./line.ts";
import type { Load, Transport } from "./transports.ts";
import type { Turns } from "./turns.ts";
import { createUnpacker, packingOf, type Unpacker } from "./unpack.ts";
import type { Watch, Watched } from "./watch.ts";

/** One request to an upstream. */
export interface UpstreamRequest {
  /** Scheme, host and port, e.g. "https://api.example.com". */
  readonly origin: string;
  /** Path with its query, beginning with a slash. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  /**
   * Without content-length, which follows from the body (of a source from its length). No accept-encoding is added; an answer
   * that comes packed all the same is unpacked.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: no body. Held until it is written; must not change. A source is read as the socket takes it. */
  readonly body?: Uint8Array | BodySource;
  /** True: what was written is not written again, whatever became of the connection. */
  readonly once?: boolean;
  /** Aborts like `abort()`. Costs a listener a call: on the hot path call `abort()` instead. */
  readonly signal?: AbortSignal;
  /** Bound instead of the client's `connectTimeoutMs`; 0: none. */
  readonly connectTimeoutMs?: number;
  /** Bound instead of the client's `headersTimeoutMs`; 0: none. */
  readonly headersTimeoutMs?: number;
  /** Bound instead of the client's `chunkTimeoutMs`; 0: none. */
  readonly chunkTimeoutMs?: number;
  /** Bound instead of the client's `bodyTimeoutMs`; 0: none. */
  readonly bodyTimeoutMs?: number;
  /** Largest body taken, in bytes; beyond it the call fails with `too_large`. Absent: no bound (streams). */
  readonly maxBodyBytes?: number;
}

/** Headers of a response: lower-case names; a name that came twice has a list. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Who hears the answer. A throw from `onHead` or `onData` ends the call with the fault `internal`. */
export interface UpstreamSink {
  /** "stream": the body may take as long as it likes, while it brings something. "whole": it has a time in which to end. */
  onHead(status: number, headers: ResponseHeaders): "whole" | "stream";
  /**
   * A piece of the body, as it came. It may be kept; it is not written to again. False: it brought nothing (a comment that
   * keeps a stream alive), so the silence goes on.
   */
  onData(chunk: Buffer): boolean;
  /** The body is complete. Must not throw. */
  onEnd(): void;
  /** The call failed. Must not throw. */
  onError(fault: UpstreamFault): void;
}

/** A call under way. All of its methods do nothing once it has ended. */
export interface UpstreamCall {
  /** True: a connection that had been used before broke ahead of any byte of the answer, so the request went to a new one. */
  readonly resent: boolean;
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
  readonly maxConnectionsPerOrigin: number;
  readonly log: Pick<Log, "error"> | undefined;
  readonly headersTicks: number;
  readonly chunkTicks: number;
  readonly bodyTicks: number;
  /** A kept connection that breaks later than this had not gone stale: the upstream was at work. */
  readonly staleTicks: number;
  /** Time to the end of a body of which nothing more is wanted. */
  readonly drainTicks: number;
  readonly turns: Turns<Call>;
  /** Buffers of bodies that were sent. */
  readonly spent: SpentBuffers;
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
 * When a call is sent again, once. First, without `onRequestStart`: undici calls it synchronously before it writes the first
 * byte to a socket, and queues the request until then. If it was never called, nothing was written. That happens when the
 * upstream resets an idle socket while undici waits a turn of the event loop to see whether that socket still lives.
 * Second, where a connection that had served before breaks soon and without a byte of an answer: the upstream had closed it
 * already, and its word of that and the request crossed on the way. A new connection is not excused so.
 */
export class Call implements Dispatcher.DispatchHandler, UpstreamCall, Watched, LineHolder {
  line: Line | undefined = undefined;
  resent = false;
  heardAtTick = 0;
  place: Watched["place"] = undefined;
  allowedTicks: number;
  readonly #context: CallContext;
  readonly #transport: Transport;
  readonly #load: Load;
  readonly #request: UpstreamRequest;
  readonly #sink: UpstreamSink;
  /** Of a body that came packed. */
  #unpacker: Unpacker | undefined;
  readonly #chunkTicks: number;
  /** Ticks that are left to the end of a whole body; 0: no bound. */
  #bodyTicks: number;
  /** Tick from which on `#bodyTicks` runs. */
  #bodySinceTick = 0;
  /** What the connection had read when the request was written. */
  #readBefore = 0;
  #startTick = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;
  /** The reader has held it back since it was last listened to. */
  #stood = false;
  #headSeen = false;
  #over = false;
  #retried = false;
  #dispatching = false;
  #bytesLeft: number;
  #unheardBytes = 0;
  #waiting = false;
  #draining = false;

  constructor(context: CallContext, transport: Transport, request: UpstreamRequest, sink: UpstreamSink) {
    const { watch } = context;
    this.#context = context;
    this.#transport = transport;
    this.#load = transport.loadOf(request.origin);
    this.#request = request;
    this.#sink = sink;
    this.allowedTicks =
      request.headersTimeoutMs === undefined ? context.headersTicks : watch.ticks(request.headersTimeoutMs);
    this.#chunkTicks = request.chunkTimeoutMs === undefined ? context.chunkTicks : watch.ticks(request.chunkTimeoutMs);
    this.#bodyTicks = request.bodyTimeoutMs === undefined ? context.bodyTicks : watch.ticks(request.bodyTimeoutMs);
    this.#bytesLeft = request.maxBodyBytes ?? Number.POSITIVE_INFINITY;
  }

  start(): void {
    const { signal } = this.#request;
    this.#context.watch.add(this);
    this.#transport.open += 1;
    if (signal?.aborted === true) {
      queueMicrotask(this.#onSignal);
      return;
    }
    signal?.addEventListener("abort", this.#onSignal, { once: true });
    this.#dispatching = true;
    this.#transport.kept.dispatch(this.#message(), this);
    this.#dispatching = false;
  }

  /** Sends it again, over a connection that nobody has used: those that are kept may all have gone stale together. */
  #resend(): void {
    if (this.#controller !== undefined) {
      this.#load.running -= 1;
      this.resent = true;
    }
    this.#retried = true;
    this.#controller = undefined;
    this.#transport.fresh().dispatch({ ...this.#message(), reset: true }, this);
  }

  #message(): Dispatcher.DispatchOptions {
    const { origin, path, method, headers, body } = this.#request;
    if (body === undefined || body instanceof Uint8Array) return { origin, path, method, headers, body: body ?? null };
    const length = { "content-length": String(body.length) };
    return { origin, path, method, headers: { ...headers, ...length }, body: Readable.from(this.#sent(body)) };
  }

  /** What is being sent is no silence of the upstream: its time begins anew with each piece. */
  async *#sent(source: BodySource): AsyncGenerator<Uint8Array> {
    for await (const piece of source.open()) {
      if (this.#over) return;
      this.#context.watch.touch(this);
      yield piece;
      this.#context.spent.add(piece.length);
    }
  }

  pause(): void {
    if (this.#over || this.#paused) return;
    this.#paused = true;
    this.#stood = true;
    this.#unpacker?.pause();
    if (this.#headSeen) {
      this.#silenceIsOurs();
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
    this.#unpacker?.resume();
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
    this.#fail(this.#silence());
  }

  #silence(): FaultKind {
    if (this.#headSeen) return !this.#draining && this.#isBodyLate() ? "body_timeout" : "chunk_timeout";
    if (this.#controller !== undefined) return "headers_timeout";
    // It waits for a call of ours only where all connections that there may be are in use. Else one is being made.
    return this.#load.running >= this.#context.maxConnectionsPerOrigin ? "connect_wait" : "connect_timeout";
  }

  /** Of undici: the first byte is about to be written. A throw here spares the socket for another call. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over) throw ended;
    this.#controller = controller;
    this.#load.running += 1;
    this.#startTick = this.#context.watch.now();
    this.#readBefore = this.line?.bytesRead ?? 0;
    this.line?.expectHead();
  }

  /** Of undici. */
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx: the head is yet to come.
    if (this.#over || status < 200) return;
    // Slices of the piece that the socket read, up to 64 KiB, which they would keep for as long as the answer takes.
    controller.rawHeaders = null;
    this.#headSeen = true;
    this.#bodySinceTick = this.#context.watch.now();
    if (Number(headers["content-length"]) > this.#bytesLeft) {
      this.#fail("too_large");
      return;
    }
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && !this.#canUnpack(encoding)) {
      this.#fail("protocol");
      return;
    }
    if (this.#sink.onHead(status, headers) === "stream") this.#bodyTicks = 0;
    if (this.#over) return;
    this.#context.watch.touch(this);
    if (this.#paused) {
      this.#silenceIsOurs();
      controller.pause();
    } else {
      this.#listen();
    }
  }

  /** Of undici. */
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#unheardBytes += chunk.length;
    if (this.#unheardBytes > maxUnheardBytes) this.#letATurnGoBy();
    if (this.#unpacker === undefined) this.#take(chunk);
    else if (!this.#unpacker.write(chunk)) this.#controller?.pause();
  }

  /** A piece of the body itself. The bound holds for what a packed one unpacks to. */
  #take(chunk: Buffer): void {
    if (this.#over) return;
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft < 0) {
      this.#fail("too_large");
      return;
    }
    const brought = this.#sink.onData(chunk);
    if (brought && !this.#draining) this.#heard();
  }

  /** Sees to a body that is packed. False: nobody knows how. */
  #canUnpack(encoding: string | string[]): boolean {
    const packing = packingOf(encoding);
    if (packing !== "packed") return packing === "plain";
    this.#unpacker = createUnpacker(encoding, {
      onData: (chunk) => this.#unpacked(chunk),
      onDrained: () => {
        if (!this.#paused && !this.#waiting) this.#controller?.resume();
      },
      onEnd: () => this.#end(),
      onBroken: () => this.#fail("protocol"),
    });
    return true;
  }

  /** Outside of undici's own call nobody catches what the sink throws. */
  #unpacked(chunk: Buffer): void {
    try {
      this.#take(chunk);
    } catch (error) {
      this.#context.log?.error({ err: error }, "the reader of an upstream's answer failed");
      this.#fail("internal");
    }
  }

  /** Something came: the silence begins anew, the time of the whole body does not. */
  #heard(): void {
    this.#context.watch.touch(this);
    if (this.#bodyTicks === 0 || this.allowedTicks === 0) return;
    if (this.#isBodyLate()) this.#fail("body_timeout");
    else this.allowedTicks = this.#withinBody();
  }

  #isBodyLate(): boolean {
    return this.#bodyTicks > 0 && this.#context.watch.now() - this.#bodySinceTick > this.#bodyTicks;
  }

  /** The silence that is allowed: not beyond the end of the time of the whole body. */
  #withinBody(): number {
    if (this.#bodyTicks === 0) return this.#chunkTicks;
    const left = Math.max(1, this.#bodySinceTick + this.#bodyTicks - this.#context.watch.now());
    return this.#chunkTicks === 0 ? left : Math.min(this.#chunkTicks, left);
  }

  /** Nothing is read for a while, at our own wish: no time of the upstream's runs. */
  #silenceIsOurs(): void {
    if (this.allowedTicks !== 0 && this.#bodyTicks > 0) {
      const now = this.#context.watch.now();
      this.#bodyTicks = Math.max(1, this.#bodyTicks - (now - this.#bodySinceTick));
      this.#bodySinceTick = now;
    }
    this.allowedTicks = 0;
  }

  #letATurnGoBy(): void {
    this.#unheardBytes = 0;
    this.#controller?.pause();
    this.#waitForTurn();
  }

  #waitForTurn(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#silenceIsOurs();
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
    if (this.#unpacker === undefined) this.#end();
    else this.#unpacker.end();
  }

  #end(): void {
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
    const fault = this.#explained(faultOf(error, this.#controller !== undefined, this.#headSeen));
    if (fault.kind === "socket_closed" && !this.#retried && this.#isStale(fault)) {
      this.#resend();
      return;
    }
    if (fault.kind === "internal") this.#context.log?.error({ err: error }, "a call to an upstream failed within");
    this.#close();
    // A request that undici refuses fails before the caller has its handle.
    if (this.#dispatching) queueMicrotask(() => this.#sink.onError(fault));
    else this.#sink.onError(fault);
  }

  /** Some upstreams close the connection of a client that shows no certificate, and say nothing. */
  #explained(fault: UpstreamFault): UpstreamFault {
    const { line } = this;
    if (fault.kind !== "socket_closed" || fault.headSeen || line?.certificateWanted !== true) return fault;
    return line.bytesRead === 0 ? { ...fault, kind: "tls", detail: "CLIENT_CERTIFICATE_WANTED" } : fault;
  }

  #isStale({ sent, headSeen }: UpstreamFault): boolean {
    if (!sent) return true;
    if (this.#request.once === true) return false;
    const { line } = this;
    if (headSeen || line === undefined || this.#readBefore === 0) return false;
    const soon = this.#context.watch.now() - this.#startTick <= this.#context.staleTicks;
    return soon && line.bytesRead === this.#readBefore;
  }

  #listen(): void {
    if (this.#draining) {
      this.allowedTicks = this.#context.drainTicks;
      return;
    }
    // If we were the reason for the silence, the time of the body begins anew here.
    if (this.allowedTicks === 0) this.#bodySinceTick = this.#context.watch.now();
    this.allowedTicks = this.#withinBody();
    if (this.#stood) this.#context.watch.touch(this);
    this.#stood = false;
  }

  #fail(kind: FaultKind): void {
    if (this.#over) return;
    this.#close();
    this.#controller?.abort(ended);
    this.#sink.onError({ kind, sent: this.#controller !== undefined, headSeen: this.#headSeen, detail: "" });
  }

  #close(): void {
    this.#over = true;
    this.#unpacker?.destroy();
    this.#transport.open -= 1;
    if (this.#controller !== undefined) this.#load.running -= 1;
    this.#context.watch.delete(this);
    this.#request.signal?.removeEventListener("abort", this.#onSignal);
  }
}
