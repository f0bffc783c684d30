import type { DescMethod, DescService, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ThroughlineError } from "../errors/error.ts";
import type { CallSpans } from "./call-spans.ts";

/** What may be given where a message is wanted: the message, or its fields. */
export type Init<M extends Message> = MessageInitShape<GenMessage<M>>;

/** The item message of a lane method. */
export type ItemOf<M extends DescMethod> =
  MessageShape<M["input"]> extends { items: (infer I extends Message)[] } ? I : never;

type ResultOf<M extends DescMethod> = MessageShape<M["output"]> extends { results: (infer R)[] } ? R : never;
type Outcome<R, Case> = R extends { outcome: infer U } ? Extract<U, { case: Case }> : never;

type ValueOf<O> = [O] extends [never] ? never : O extends { value: infer V extends Message } ? V : never;

/** The message of the `ok` outcome of a lane method. */
export type OkOf<M extends DescMethod> = ValueOf<Outcome<ResultOf<M>, "ok">>;

/** The message of the `frame` outcome of a lane method; never where it has none. */
export type FrameOf<M extends DescMethod> = ValueOf<Outcome<ResultOf<M>, "frame">>;

/** What every call says beside its message. */
export interface CallOptions {
  /** The platform's request ID. Default: 0, no request is involved. */
  readonly requestId?: bigint | undefined;
  /** W3C trace context of the caller's span. Default: not traced. */
  readonly traceparent?: string | undefined;
  /** Milliseconds the caller waits at most; 0 or less fails at once. */
  readonly timeoutMs: number;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** True: somebody waits for it, so it travels at the end of its tick though its method lingers, and what lingers travels with it. */
  readonly waited?: boolean | undefined;
}

/** A body that its caller keeps while the call runs, for example in a file. */
export interface BodySource {
  /** Bytes of it. */
  readonly length: number;
  /**
   * Bytes from an offset: at least one, at most `maxBytes`. They are not changed afterwards. Called again from the start
   * where the handler reads the body once more, never twice at a time.
   */
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
}

/** The body of a call, as the handler sees it. */
export interface CallBody {
  /** Bytes of it. */
  readonly length: number;
  /**
   * Reads it from an offset, in pieces. Nothing is sent that is not asked for, so a reader that stands still holds 256 KiB at
   * most. One reading at a time: a new one ends the one before. Throws what stopped the call.
   */
  from(offset: number): AsyncIterableIterator<Uint8Array>;
}

/** What a streaming call says beside its item. */
export interface OpenOptions<F> extends CallOptions {
  /** Bytes of unread frames above which the handler is asked to pause; under half of them it may go on. Default 8 KiB. */
  readonly highWaterBytes?: number | undefined;
  /** Bytes that a frame counts for. Default: its encoded size (in process: the bytes and characters in it) + 200. */
  readonly frameBytes?: ((frame: F) => number) | undefined;
  /** Milliseconds that the outcome may take after a cancel or the deadline. Default 5,000. */
  readonly outcomeGraceMs?: number | undefined;
  /** A body beside the item, which the handler reads piece by piece. Only of methods whose items carry data. */
  readonly body?: BodySource | undefined;
  /** True: the caller promises to give the `acknowledgement` of the call, however it ends. Its lane stays open until then. */
  readonly acknowledges?: boolean | undefined;
}

/** A method of a lane, as the caller sees it. */
export interface LaneMethod<I extends Message, O extends Message, F extends Message = never> {
  /**
   * Sends one item and waits for its result. Items of one tick travel together. The item's `call` is not read.
   * Rejects with the handler's error, `upstream_timeout` at the deadline, `client_closed_request` when the signal aborts,
   * `service_unavailable` when the lane breaks, or no peer is there for 2 s (at once where none has been for 5 s), `request_too_large` above the message limit.
   */
  call(item: Init<I>, options: CallOptions): Promise<O>;
  /** Sends one item and reads the frames that answer it. Failures as for `call`; see LaneStream. */
  open(item: Init<I>, options: OpenOptions<F>): LaneStream<F, O>;
}

/**
 * The answer of a streaming call. Iterate it once: frames come in order; the loop ends with the outcome and throws what
 * the outcome rejects with. Leaving the loop early cancels.
 */
export interface LaneStream<F, O> extends AsyncIterable<F> {
  /**
   * Reads it as the loop does, in place of the loop, without a promise for each frame. A promise that `take` gives is waited
   * for before the next frame. What `take` throws is thrown; it does not cancel.
   */
  each(take: (frame: F) => Promise<void> | undefined): Promise<void>;
  /**
   * The last result. After a cancel, an aborted signal or the deadline it still brings what the handler answers, within
   * a grace (`outcomeGraceMs`); then it rejects (`client_closed_request`, `upstream_timeout`). Never an unhandled rejection.
   */
  readonly outcome: Promise<O>;
  /** Asks the handler to stop; the loop ends at once, the outcome follows. */
  cancel(): void;
  /**
   * True: the outcome has come and every frame was given, so the frame that was read last is the last one. A frame that
   * travelled in one message with the outcome is known as the last when it is given.
   */
  isLast(): boolean;
  /** Within `each`: whether another frame or the end follows in this turn of the loop. */
  hasMore(): boolean;
  /** Lets a call that was opened with `acknowledges` tell what was taken. It holds no other part of the call in memory. */
  readonly acknowledgement: Acknowledgement;
}

/** What the caller of a streaming call owes its handler. */
export interface Acknowledgement {
  /**
   * Tells the handler that all that had to follow the outcome is durable. It travels with the next items, at most two
   * seconds later. A repeat is fine, and so is a call that was never sent.
   */
  give(): void;
}

/** One call of a lane, as the handler sees it. */
export interface LaneCall<I> {
  /** What was sent. Its `call` is always unset: what it said is in this object. */
  readonly item: I;
  /** The platform's request ID, 0 where no request is involved. */
  readonly requestId: bigint;
  /** W3C trace context of the caller's span, empty when not traced. */
  readonly traceparent: string;
  /** When the caller stops waiting, on the clock of `performance.now()`; Infinity if never. */
  readonly deadlineMs: number;
  /** Aborts on cancel, deadline or a broken lane. Made when first read: do not read it without need. */
  readonly signal: AbortSignal;
}

/** One streaming call, as the handler sees it. */
export interface StreamCall<I> extends LaneCall<I> {
  /** The body that its caller keeps; absent: none. */
  readonly body: CallBody | undefined;
  /** Calls the listener once when the signal would abort, at once where it has: what a signal does, for a tenth of its price. */
  onStop(listener: () => void): void;
  /**
   * Calls the listener once where the handler has returned its outcome and the lane ends before the caller has
   * acknowledged it: the caller may be dead, or may not. Only for callers that acknowledge.
   */
  unlessAcknowledged(listener: () => void): void;
}

/** Where a streaming handler writes its frames. */
export interface FrameSink<F extends Message> {
  /** Sends a frame. Ignored once `onStop` or the signal has told of a cancel, the deadline or a broken lane. */
  write(frame: Init<F>): void;
  /** True: the reader is slow, stop reading the source. Frames written all the same are sent. */
  readonly paused: boolean;
  /** Calls the listener at every change of `paused`. */
  onPauseChange(listener: (paused: boolean) => void): void;
}

/** What a unary handler knows of its call. */
export interface UnaryContext {
  /** The platform's request ID, 0 where no request is involved. */
  readonly requestId: bigint;
  /** W3C trace context of the caller's span, empty when not traced. */
  readonly traceparent: string;
  /** When the caller stops waiting, on the clock of `performance.now()`; Infinity if never. */
  readonly deadlineMs: number;
  /** Aborts when the caller cancels or its deadline passes. */
  readonly signal: AbortSignal;
}

/** What a batch handler answers for one call, in the order of the calls. */
export type BatchAnswer<O extends Message> =
  | Init<O>
  | ThroughlineError
  // Answers by itself when it is known: neither the batch's other calls nor the next batch wait for it.
  | Promise<Init<O> | ThroughlineError>;

/** Typed client of a service: lanes as LaneMethod, unary methods as functions. */
export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S["method"]]: MethodClient<S["method"][K]>;
};

type MethodClient<M extends DescMethod> = M extends { methodKind: "unary" }
  ? (request: MessageInitShape<M["input"]>, options: CallOptions) => Promise<MessageShape<M["output"]>>
  : LaneMethod<ItemOf<M>, OkOf<M>, FrameOf<M>>;

/** What every client can do beside its service's methods. */
export interface ClientControl {
  /** Resolves when every lane method has a lane that is open; rejects with `service_unavailable` after the time. */
  ready(timeoutMs: number): Promise<void>;
  /** Refuses new calls, lets open ones end for at most 5 s, then cuts what is left. */
  close(): Promise<void>;
}

/** What the clients of both kinds may be told. */
export interface ClientOptions {
  /** Lanes kept open per lane method. Default 4 over gRPC, 1 in process. */
  readonly lanes?: number | undefined;
  /** Lane methods whose items may be sent again: once, on another lane, when theirs breaks. Local names, e.g. "settle". */
  readonly idempotent?: readonly string[] | undefined;
  /**
   * Lane methods that are answered within a second or so, by their local names. Where nobody has answered for 5 s although
   * calls wait, all further calls but one at a time fail at once with `service_unavailable`, until anybody answers again.
   */
  readonly prompt?: readonly string[] | undefined;
  /**
   * Milliseconds that calls of a lane method wait for others to travel with, by its local name: for those whose answer
   * nobody waits for. Default: they go at the end of their tick.
   */
  readonly lingerMs?: Readonly<Record<string, number>> | undefined;
  /** Lane methods whose callers wait for the answer, by their local names: with `spans` their calls have spans of their own. */
  readonly waited?: readonly string[] | undefined;
  /** Makes spans of the calls that a caller waits for: of unary methods and of `waited`. Default: none are made. */
  readonly spans?: CallSpans | undefined;
  /** Age in milliseconds at which a lane is replaced, give or take a fifth. Default 60,000. */
  readonly laneMaxAgeMs?: number | undefined;
  /** Largest item, request or answer in bytes. Default 20 MiB. The server's own limit holds too. */
  readonly maxMessageBytes?: number | undefined;
}

/** The part of the log that this room uses (a pino logger fits). */
export interface RpcLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Default of `maxMessageBytes`: a 16 MB body and what goes with it. */
export const defaultMaxMessageBytes = 20 * 1024 * 1024;
