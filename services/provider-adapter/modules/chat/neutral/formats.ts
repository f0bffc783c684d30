import type { Prices } from "../../../../../shared/money/prices.ts";
import type { BillableUsage } from "../../../../../shared/money/usage.ts";
import type { Asked, Framing, UpstreamEvent, UpstreamMessage } from "../../../domain/exchange.ts";
import type { LatencyCheckpoint } from "../../../domain/latency.ts";
import type { NeutralAnswer } from "./answer.ts";
import type { Emit, NeutralEvent } from "./events.ts";
import type { NeutralRequest } from "./request.ts";

/** Things dropped or changed on the way, for the record. */
export type Note = (text: string) => void;

/** What every answer says of itself. */
export interface AnswerHead {
  /** ID of the answer in the client's dialect: the request is found by it alone. */
  readonly id: string;
  /** Unix seconds. */
  readonly createdUnixS: number;
  /** What the upstream says it used, else what was asked of it. */
  readonly model: string;
}

/** What a stream says of itself before its first step. */
export interface StreamHead extends Omit<AnswerHead, "model"> {
  /** The usage as far as it is known, with estimates for what is not. Absent: nothing is. */
  usageSoFar?(): BillableUsage;
}

/** The figures at the end of an answer. */
export interface AnswerEnd {
  readonly usage: BillableUsage;
  readonly latency: LatencyCheckpoint;
}

/** Writes one stream in the client's dialect. */
export interface ClientStream {
  /** The text to send for a step: whole server-sent events; empty: nothing yet. Of `usage` steps it hears nothing. */
  write(event: NeutralEvent): string;
  /** The last text. Called once, after the last step, with the usage that holds. */
  end(end: AnswerEnd): string;
}

/** One request of a client, read, and how its answer is written. */
export interface ClientExchange {
  readonly request: NeutralRequest;
  /** Writes a whole answer, as the JSON value of its body. */
  whole(answer: NeutralAnswer, head: AnswerHead, end: AnswerEnd): object;
  /** The finish reason of an answer in the dialect's words; empty: unknown. */
  finishReason(answer: NeutralAnswer): string;
  /** Begins to write a stream. Its model is known when the step `start` has come. */
  stream(head: StreamHead): ClientStream;
}

/** A wire format of clients. */
export interface ClientDialect {
  /** E.g. "openai.chat". */
  readonly name: string;
  /** ID of an answer. */
  messageId(requestId: bigint): string;
  /** Reads a request. Throws invalid_value or missing_required_field with the path in the client's body. */
  open(asked: Asked, note: Note): ClientExchange;
}

/** Reads one stream of an upstream. */
export interface UpstreamStream {
  /** Takes an event, emits the steps it stands for. Throws a ThroughlineError when it is the upstream's error. */
  read(event: UpstreamEvent, emit: Emit): void;
  /** True: the upstream said by itself that the stream is complete, or a finish reason came. */
  isComplete(): boolean;
}

/** What a format's writer knows beside the request. */
export interface WriteContext {
  readonly upstreamModel: string;
  readonly stream: boolean;
  /** Headers of the client that belong to its dialect. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is charged for the answer; absent: not said. */
  readonly prices?: Prices | undefined;
  readonly note: Note;
}

/** One request to an upstream, and how its answer is read. */
export interface UpstreamExchange {
  /** Writes a request. Throws invalid_value naming the client's field that the format cannot express. */
  write(request: NeutralRequest, context: WriteContext): UpstreamMessage;
  /** Reads a whole answer. Throws a ThroughlineError when it is none (an error inside a 200). */
  read(body: Buffer): NeutralAnswer;
  /** Begins to read a stream. */
  stream(): UpstreamStream;
  /** The events of a stream that says the same as a whole answer; undefined: it is no answer. Absent: it is never made one. */
  events?(body: Buffer): readonly UpstreamEvent[] | undefined;
}

/** A wire format of upstreams, opened for one channel. */
export interface UpstreamFormat {
  /** E.g. "anthropic.messages". */
  readonly name: string;
  /** How it frames the events of its streams. Absent: they are server-sent events. */
  readonly framing?: Framing;
  /** What a model needs may differ from that of the channel's other models. */
  open(about: { readonly upstreamModel: string }): UpstreamExchange;
}
