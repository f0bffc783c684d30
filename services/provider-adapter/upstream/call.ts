import type { Dispatcher } from "undici";
import type { Log } from "../../../shared/log.ts";
import type { SpentBuffers } from "../../../shared/spent-buffers.ts";
import { type BrokenCall, explained, wasStale } from "./broken.ts";
import { type FaultKind, faultOf } from "./faults.ts";
import type { Line, LineHolder } from "./line.ts";
import { messageOf, type PieceListener } from "./message.ts";
import { type Bounds, type Impatient, Patience } from "./patience.ts";
import { Reading } from "./reading.ts";
import type { ResponseHeaders, UpstreamCall, UpstreamRequest, UpstreamSink } from "./request.ts";
import type { Load, Transport } from "./transports.ts";
import type { Turns } from "./turns.ts";
import { createUnpacker, packingOf } from "./unpack.ts";
import type { Watch } from "./watch.ts";

/** What the calls of one client share. */
export interface CallContext extends Bounds {
  readonly watch: Watch;
  readonly maxConnectionsPerOrigin: number;
  readonly log: Pick<Log, "error"> | undefined;
  /** A kept connection that breaks later than this had not gone stale: the upstream was at work. */
  readonly staleTicks: number;
  readonly turns: Turns<Reading>;
  /** Buffers of bodies that were sent. */
  readonly spent: SpentBuffers;
}

/** Ends a request inside undici; its message never leaves this file. */
const ended = new Error("ended");

/** One call: undici's handler and the caller's handle in one object. It is sent again, once, where its connection was stale. */
export class Call implements Dispatcher.DispatchHandler, UpstreamCall, Impatient, PieceListener, LineHolder {
  line: Line | undefined = undefined;
  resent = false;
  readonly #context: CallContext;
  readonly #transport: Transport;
  readonly #load: Load;
  readonly #request: UpstreamRequest;
  readonly #sink: UpstreamSink;
  readonly #patience: Patience;
  readonly #reading: Reading;
  /** What the connection had read when the request was written. */
  #readBefore = 0;
  #startTick = 0;
  #headSeen = false;
  #over = false;
  #retried = false;
  #dispatching = false;
  #bytesLeft: number;

  constructor(context: CallContext, transport: Transport, request: UpstreamRequest, sink: UpstreamSink) {
    this.#context = context;
    this.#transport = transport;
    this.#load = transport.loadOf(request.origin);
    this.#request = request;
    this.#sink = sink;
    this.#patience = new Patience(context.watch, context, request, this);
    this.#reading = new Reading(this.#patience, context.turns);
    this.#bytesLeft = request.maxBodyBytes ?? Number.POSITIVE_INFINITY;
  }

  start(): void {
    const { signal } = this.#request;
    this.#patience.begin();
    this.#transport.open += 1;
    if (signal?.aborted === true) {
      queueMicrotask(this.#onSignal);
      return;
    }
    signal?.addEventListener("abort", this.#onSignal, { once: true });
    this.#dispatching = true;
    this.#transport.kept.dispatch(messageOf(this.#request, this), this);
    this.#dispatching = false;
  }

  /** Sends it again, over a connection that nobody has used: those that are kept may all have gone stale together. */
  #resend(): void {
    if (this.#reading.controller !== undefined) {
      this.#load.running -= 1;
      this.resent = true;
    }
    this.#retried = true;
    this.#reading.controller = undefined;
    this.#transport.fresh().dispatch({ ...messageOf(this.#request, this), reset: true }, this);
  }

  /** The message asks this before it goes on. */
  get isOver(): boolean {
    return this.#over;
  }

  /** The message calls this with each piece. While we send, the upstream is not silent: its time begins anew. */
  onPiece(): void {
    this.#patience.touch();
  }

  /** The message calls this behind each piece that was taken. */
  onSent(bytes: number): void {
    this.#context.spent.add(bytes);
  }

  pause(): void {
    this.#reading.pause();
  }

  resume(): void {
    this.#reading.resume();
  }

  drain(): void {
    if (this.#over || this.#patience.draining) return;
    this.#patience.drain();
    this.#reading.resume();
  }

  abort(): void {
    this.#fail("aborted");
  }

  readonly #onSignal = (): void => {
    this.abort();
  };

  /** Its patience calls this when the upstream has been silent for too long. */
  onSilence(): void {
    this.#fail(this.#silence());
  }

  #silence(): FaultKind {
    const { draining, isBodyLate } = this.#patience;
    if (this.#headSeen) return !draining && isBodyLate ? "body_timeout" : "chunk_timeout";
    if (this.#reading.controller !== undefined) return "headers_timeout";
    // It waits for a call of ours only where all connections that there may be are in use. Else one is being made.
    return this.#load.running >= this.#context.maxConnectionsPerOrigin ? "connect_wait" : "connect_timeout";
  }

  /** undici calls this when the first byte is about to be written. A throw here spares the socket for another call. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over) throw ended;
    this.#reading.controller = controller;
    this.#reading.line = this.line;
    this.#load.running += 1;
    this.#startTick = this.#context.watch.now();
    this.#readBefore = this.line?.bytesRead ?? 0;
    this.line?.expectHead();
  }

  /** undici calls this with each head. */
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx: the head is yet to come.
    if (this.#over || status < 200) return;
    // Slices of the piece that the socket read, up to 64 KiB, which they would keep for as long as the answer takes.
    controller.rawHeaders = null;
    this.#headSeen = true;
    this.#patience.headCame();
    this.#reading.isEvents = String(headers["content-type"]).startsWith("text/event-stream");
    if (Number(headers["content-length"]) > this.#bytesLeft) {
      this.#fail("too_large");
      return;
    }
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && !this.#canUnpack(encoding)) {
      this.#fail("protocol");
      return;
    }
    if (this.#sink.onHead(status, headers) === "stream") this.#patience.isStream();
    if (this.#over) return;
    this.#patience.touch();
    this.#reading.begin();
  }

  /** undici calls this with each piece of the body. */
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#reading.read(chunk.length);
    const { unpacker } = this.#reading;
    if (unpacker === undefined) this.#take(chunk);
    else if (!unpacker.write(chunk)) this.#reading.filled();
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
    if (brought && !this.#patience.draining && !this.#patience.heard()) this.#fail("body_timeout");
  }

  /** Sees to a body that is packed. False: nobody knows how. */
  #canUnpack(encoding: string | string[]): boolean {
    const packing = packingOf(encoding);
    if (packing !== "packed") return packing === "plain";
    this.#reading.unpacker = createUnpacker(encoding, {
      onData: (chunk) => this.#unpacked(chunk),
      onDrained: () => this.#reading.drained(),
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

  /** undici calls this at the end of the body. */
  onResponseEnd(): void {
    const { unpacker } = this.#reading;
    if (unpacker === undefined) this.#end();
    else unpacker.end();
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

  /** undici calls this when the answer cannot be had, or not to its end. */
  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over) return;
    const fault = explained(faultOf(error, this.#reading.controller !== undefined, this.#headSeen), this.line);
    if (!this.#retried && wasStale(fault, this.#broken())) {
      this.#resend();
      return;
    }
    if (fault.kind === "internal") this.#context.log?.error({ err: error }, "a call to an upstream failed within");
    this.#close();
    // A request that undici refuses fails before the caller has its handle.
    if (this.#dispatching) queueMicrotask(() => this.#sink.onError(fault));
    else this.#sink.onError(fault);
  }

  #broken(): BrokenCall {
    const { watch, staleTicks } = this.#context;
    const soon = watch.now() - this.#startTick <= staleTicks;
    return { line: this.line, once: this.#request.once === true, readBefore: this.#readBefore, soon };
  }

  #fail(kind: FaultKind): void {
    if (this.#over) return;
    this.#close();
    this.#reading.controller?.abort(ended);
    this.#sink.onError({ kind, sent: this.#reading.controller !== undefined, headSeen: this.#headSeen, detail: "" });
  }

  #close(): void {
    this.#over = true;
    this.#reading.end();
    this.#transport.open -= 1;
    if (this.#reading.controller !== undefined) this.#load.running -= 1;
    this.#patience.end();
    this.#request.signal?.removeEventListener("abort", this.#onSignal);
  }
}
