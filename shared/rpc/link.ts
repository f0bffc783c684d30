import type { ThroughlineError } from "../errors/error.ts";

/**
 * The seam between what a lane means and how it travels. Everything above it (correlation, deadlines, cancel, pause,
 * retry, batching) is shared; below it are gRPC (payload P = encoded bytes) and the in-process twin (P = the message).
 */

/** What an item does to its call; the numbers are those of `throughline.common.v1.CallOp`. */
export const callOp = { open: 0, cancel: 1, pause: 2, resume: 3 } as const;
/** One of `callOp`. */
export type CallOp = (typeof callOp)[keyof typeof callOp];

/** What a result is to its call. */
export type ResultKind = "ok" | "frame" | "error";

/** An item on its way to the server. */
export interface OutgoingItem<P> {
  readonly callId: number;
  readonly op: CallOp;
  readonly requestId: bigint;
  readonly traceparent: string;
  /** Milliseconds left, 1 to 2^32 - 1; 0: no deadline. */
  readonly timeoutMs: number;
  /** Only of an item that opens. */
  readonly payload: P | undefined;
}

/** A result on its way to the client. */
export interface OutgoingResult<P> {
  readonly callId: number;
  readonly kind: ResultKind;
  readonly payload: P;
}

/** A lane from the client's side. Nothing may be sent before `ready`. */
export interface ClientLink<P> {
  /** Sends items in order, as one batch where they fit. */
  send(items: readonly OutgoingItem<P>[]): void;
  /** True: the peer or the network is behind; what is sent now waits in memory. `writable` follows. */
  readonly congested: boolean;
  /** No more items will come; what is sent after it is dropped. The lane closes when the server has answered all. */
  end(): void;
  /** Cuts the lane. */
  destroy(): void;
}

/** What a client's lane reports. */
export interface ClientLinkEvents<P> {
  /** The server has accepted the lane and takes items of at most so many bytes. */
  ready(maxItemBytes: number): void;
  result(callId: number, kind: ResultKind, payload: P): void;
  /** The server is leaving: open calls end here, new ones belong elsewhere. */
  draining(): void;
  writable(): void;
  /** The last event. `fault`: why, if it was not the regular end. */
  closed(fault: Error | undefined): void;
}

/** Opens a lane. No event comes before it has returned. */
export type OpenLink<P> = (events: ClientLinkEvents<P>) => ClientLink<P>;

/** A lane from the server's side. */
export interface ServerLink<P> {
  send(results: readonly OutgoingResult<P>[]): void;
  readonly congested: boolean;
  /** Largest result that the client takes, in bytes. */
  readonly maxResultBytes: number;
  /** Tells the client to open no more calls here. */
  announceDrain(): void;
  /** Ends the lane well: everything was answered. */
  finish(): void;
  /** Cuts the lane. */
  destroy(): void;
}

/** What a server's lane reports. */
export interface ServerLinkEvents<P> {
  item(callId: number, op: CallOp, requestId: bigint, traceparent: string, timeoutMs: number, payload: P): void;
  /** What arrived together has been given. */
  batchEnd(): void;
  writable(): void;
  /** The client sends no more items. */
  ended(): void;
  /** The lane is gone. */
  broken(): void;
}

/** Turns messages into payloads and back, on the client's side. */
export interface ClientCodec<P> {
  /** Throws where the fields do not fit the message. */
  encodeItem(init: unknown): P;
  bytes(payload: P): number;
  decodeOk(payload: P): unknown;
  decodeFrame(payload: P): unknown;
  decodeError(payload: P): ThroughlineError;
  /** The payload, safe to keep: it does not pin the batch that it came in. */
  hold(payload: P): P;
}

/** Turns messages into payloads and back, on the server's side. */
export interface ServerCodec<P> {
  decodeItem(payload: P): unknown;
  encodeOk(init: unknown): P;
  encodeFrame(init: unknown): P;
  encodeError(error: ThroughlineError): P;
  bytes(payload: P): number;
}
