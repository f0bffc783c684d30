import type { Message } from "@bufbuild/protobuf";
import type { ThroughlineError } from "../errors/error.ts";

/**
 * The seam between what a lane means and how it travels. Everything above it (correlation, deadlines, cancel, pause,
 * retry, batching) is shared; below it are gRPC and the in-process twin. What is sent are messages; what is received is a
 * payload P that a codec reads: encoded bytes over gRPC, the message itself in process.
 */

/** What an item does to its call; the numbers are those of `throughline.common.v1.CallOp`. */
export const callOp = { open: 0, cancel: 1, pause: 2, resume: 3, acknowledge: 4, data: 5 } as const;
/** One of `callOp`. */
export type CallOp = (typeof callOp)[keyof typeof callOp];

/** What a result is to its call. */
export type ResultKind = "ok" | "frame" | "error" | "want";

/** An item on its way to the server. */
export interface OutgoingItem {
  readonly callId: number;
  readonly op: CallOp;
  readonly requestId: bigint;
  readonly traceparent: string;
  /** Milliseconds left, 1 to 2^32 - 1; 0: no deadline. */
  readonly timeoutMs: number;
  /** The item's message, without its call; only of an item that opens or carries data. */
  readonly message: LooseMessage | undefined;
}

/** A result on its way to the client. */
export interface OutgoingResult {
  readonly callId: number;
  readonly kind: ResultKind;
  /** A message; of an error, the error itself. */
  readonly value: LooseMessage | ThroughlineError;
  /** About what the message weighs; 0 of an error. */
  readonly bytes: number;
}

/** A lane from the client's side. Nothing may be sent before `ready`. */
export interface ClientLink {
  /** Sends items in order, as one batch where they fit. */
  send(items: readonly OutgoingItem[]): void;
  /** True: the peer or the network is behind; what is sent now waits in memory. `writable` follows. */
  readonly congested: boolean;
  /** No more items will come; what is sent after it is dropped. The lane closes when the server has answered all. */
  end(): void;
  /** Cuts the lane. */
  destroy(): void;
}

/** What a client's lane reports. */
export interface ClientLinkEvents<P> {
  /** The server has accepted the lane. */
  ready(): void;
  result(callId: number, kind: ResultKind, payload: P): void;
  /** What arrived together has been told, or as much of it as could be read. */
  given(): void;
  /** An item could not be sent: it cannot be encoded, or is too large. */
  unsent(callId: number, error: ThroughlineError): void;
  /** The server is leaving: open calls end here, new ones belong elsewhere. */
  draining(): void;
  writable(): void;
  /** The last event. `fault`: why, if it was not the regular end. */
  closed(fault: Error | undefined): void;
}

/** Opens a lane. No event comes before it has returned. */
export type OpenLink<P> = (events: ClientLinkEvents<P>) => ClientLink;

/** A lane from the server's side. */
export interface ServerLink {
  /** Sends results in order. One that cannot be sent is replaced by an error, the last result of its call. */
  send(results: readonly OutgoingResult[]): void;
  readonly congested: boolean;
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
  /** A result was replaced by this error. */
  unsent(callId: number, error: ThroughlineError): void;
  writable(): void;
  /** The client sends no more items. */
  ended(): void;
  /** The lane is gone. */
  broken(): void;
}

/** A message as this room sees it: whatever its fields are. */
export type LooseMessage = Message & Record<string, unknown>;

/** Makes messages and reads payloads, on the client's side. */
export interface ClientCodec<P> {
  /** The item without its call. Throws where the fields do not fit the message. Never changes what it is given. */
  item(init: unknown): LooseMessage;
  decodeOk(payload: P): unknown;
  decodeFrame(payload: P): unknown;
  decodeError(payload: P): ThroughlineError;
  decodeWant(payload: P): { readonly offset: number; readonly bytes: number };
  /** The item that carries a piece of a body. */
  data(offset: number, bytes: Uint8Array): LooseMessage;
  bytes(payload: P): number;
  /** The payload, safe to keep: it does not pin the batch that it came in. */
  hold(payload: P): P;
}

/** Makes messages and reads payloads, on the server's side. */
export interface ServerCodec<P> {
  decodeItem(payload: P): unknown;
  ok(init: unknown): LooseMessage;
  frame(init: unknown): LooseMessage;
  want(offset: number, bytes: number): LooseMessage;
  /** Bytes of the body that the caller keeps beside the item; 0: none. */
  bodyLength(item: unknown): number;
  /** The piece of a body that an item carries. */
  pieceOf(item: unknown): { readonly offset: number; readonly bytes: Uint8Array };
  /** About what a message weighs. */
  bytes(kind: "ok" | "frame", message: LooseMessage): number;
}
