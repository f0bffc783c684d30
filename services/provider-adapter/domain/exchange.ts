import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Prices } from "../../../shared/money/prices.ts";
import type { BillableUsage } from "../../../shared/money/usage.ts";
import type { Moments } from "./latency.ts";
import type { UpstreamFailure } from "./upstream-failure.ts";

/** What a client asked, as far as a translation needs it. */
export interface Asked {
  /** The platform's request ID. */
  readonly requestId: bigint;
  /** Model name as the client wrote it. */
  readonly model: string;
  /** Model name to send upstream. */
  readonly upstreamModel: string;
  /** Control taken off the model's name ("thinking", "high" ...); empty: none. */
  readonly control: string;
  readonly stream: boolean;
  /** The client asked for the usage chunk. */
  readonly includeUsage: boolean;
  /** The client's body, JSON. */
  readonly body: Uint8Array;
  /** Input tokens by the estimate that the reservation went by; 0 or absent: not said. */
  readonly estimatedInputTokens?: number | undefined;
  /** Most output tokens that the model gives, where the client asked for more; 0 or absent: it did not. */
  readonly outputCeiling?: number | undefined;
  /** What is charged for the answer; absent: not said. */
  readonly prices?: Prices | undefined;
  /** Headers of the client that belong to its dialect. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unix seconds that the answer shows as its creation time. */
  readonly createdUnixS: number;
  /** The form that the client sent in place of JSON. */
  readonly form?: AskedForm | undefined;
  /** The answer is kept for history: a stream is assembled into one document. */
  readonly keepResponse: boolean;
  /** Absent: it is no job's. */
  readonly job?: AskedStep | undefined;
  /** Absent: it is no step of a batch. */
  readonly batch?: AskedBatchStep | undefined;
}

/** A step in the life of a batch at its vendor. */
export interface AskedBatchStep {
  readonly action: "upload" | "create" | "find" | "poll" | "cancel" | "results" | "discard";
  /** Vendor's ID of the batch; empty until it is created. */
  readonly batchId: string;
  /** Our name of it. */
  readonly name: string;
  /** What its lines said of where they go. */
  readonly place: string;
  /** The vendor's name of a file, or of what is to be discarded. */
  readonly file: string;
  /** Unix seconds before which it was not created. */
  readonly sinceUnixS: number;
  /** Count of its lines. */
  readonly lines: number;
  /** As `AskedStep.credential`. */
  readonly credential: string;
  /** As `AskedStep.channel`, of an upload and a creation. */
  readonly channel: string;
}

/** A step in the life of a job. */
export interface AskedStep {
  readonly action: "start" | "poll" | "cancel" | "content";
  /** Vendor's ID of the job; empty at its start. */
  readonly vendorJobId: string;
  /** As the report on the start said it; empty: nothing. */
  readonly locator: string;
  /** Which result is asked for. */
  readonly variant: string;
  /** Where the vendor may say that something happened; empty: nowhere. Given with the start. */
  readonly callbackUrl: string;
  /** Mark of the credential that the step is taken with (`credentialMark`); empty: it needs none. */
  readonly credential: string;
  /** What is noted of the channel with a job that the step begins; empty: it begins none. */
  readonly channel: string;
  /** Further jobs that a poll asks after in the same call. */
  readonly others: readonly { readonly vendorJobId: string; readonly locator: string }[];
}

/** A form of a client, whose files' bytes are asked for when they are sent. */
export interface AskedForm {
  /** In the client's order. */
  readonly parts: readonly FormPart[];
  /** Milliseconds of audio in its file by the gateway's count; 0: none. */
  readonly inputAudioMs: number;
  /** The bytes of its files from an offset to the end of the last one. */
  read(offset: number): AsyncIterableIterator<Uint8Array>;
}

/** One part of a form: a field, or a file with its place among the bytes. */
export interface FormPart {
  readonly name: string;
  readonly value: string;
  readonly file?:
    | {
        /** Empty: none. */
        readonly filename: string;
        readonly contentType: string;
        readonly offset: number;
        readonly length: number;
      }
    | undefined;
}

/** A body that is made while it is sent. */
export interface BodySource {
  /** Bytes of it. */
  readonly length: number;
  /** Reads it from its start; called again where it is sent again. */
  open(): AsyncIterable<Uint8Array>;
}

/** What to send upstream. */
export interface UpstreamMessage {
  /** True: it is sent once, for it may begin work that nobody could find again if the answer were lost. */
  readonly once?: boolean;
  /** Absent: POST. */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind the channel's base URL, e.g. "/chat/completions". */
  readonly path: string;
  /**
   * Address in place of it, as an upstream named it, or a path from the root of its host. On the channel's own host it is asked for like any path of the channel;
   * elsewhere without credentials and headers of the channel, and only at public addresses.
   */
  readonly url?: string;
  /** A part of the base URL's path that is another for this message; absent: none. */
  readonly base?: readonly [part: string, instead: string];
  /** Type of the body. Absent: application/json. */
  readonly contentType?: string;
  /** Types that the answer may have. Absent: events for a stream, else JSON. */
  readonly accept?: string;
  /** Beside credentials, content type and tracing. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** In place of `body`, which is empty then. */
  readonly source?: BodySource;
}

/** What is known of an answer. */
export interface AnswerFacts {
  /** Counted by us when `estimated`. */
  readonly usage: BillableUsage & { readonly estimated: boolean };
  /** In the client's dialect; empty: unknown. */
  readonly finishReason: string;
  /** ID that the answer carries. */
  readonly messageId: string;
  /** Model that the upstream says it used; empty: unknown. */
  readonly responseModel: string;
  /** The upstream's name of the request where its body says one; the attempt prefers that of the headers. */
  readonly upstreamRequestId?: string | undefined;
}

/** A whole answer. */
export interface WholeAnswer extends AnswerFacts {
  /** For the client. */
  readonly body: Uint8Array;
  /** Absent: application/json. */
  readonly contentType?: string;
  /** What history keeps in place of it, JSON. Absent: the body itself. */
  readonly document?: Uint8Array;
}

/** One server-sent event of an upstream. */
export interface UpstreamEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** Turns the bytes of a stream into its events, however they are cut. */
export interface EventFeed {
  /** Takes the next bytes. Throws what hears the events throws, and a ThroughlineError for bytes that are none of a stream. */
  feed(chunk: Uint8Array): void;
  /** The stream has ended. */
  end(): void;
}

/** How a format frames the events of its streams where they are no server-sent events. */
export interface Framing {
  /** Content type of such a stream. */
  readonly contentType: string;
  /** Whether bytes are the beginning of such a stream, whatever its head says. */
  begins(start: Uint8Array): boolean;
  /** Begins to read one stream. */
  feed(onEvent: (event: UpstreamEvent) => void): EventFeed;
}

/** What is known of an answer that is passed on as it comes. */
export interface FlowFacts {
  /** True: the upstream said by itself that the answer is complete, or a finish reason came. */
  isComplete(): boolean;
  /** What is known so far; after the end of the whole answer. */
  facts(): AnswerFacts;
  /** The answer so far as one document for history, and whether it was cut. Empty where it is not kept. */
  document(moments: Moments): { readonly body: Uint8Array; readonly truncated: boolean };
  /** Chunks with content so far. */
  contentChunks(): number;
  /** As `AnswerFacts.upstreamRequestId`, as soon as it is known. */
  upstreamRequestId?(): string | undefined;
}

/** The head of an upstream's answer of bytes. */
export interface BytesHead {
  readonly contentType: string;
  /** Absent: not known before its end. */
  readonly contentLength?: number | undefined;
  /** Absent: 200. */
  readonly status?: number | undefined;
  /** Which part of the whole it is, of an answer with status 206. */
  readonly contentRange?: string | undefined;
}

/** An answer with a status that the exchange accepts. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** The translation of one answer of bytes. */
export interface BytesTranslation extends FlowFacts {
  /** What the client's response says of itself. */
  readonly head: BytesHead;
  /** True: all of it is made before its first byte comes, so it is to end within the time of a body. Absent: it may be made while it comes. */
  readonly isMade?: boolean;
  /** Takes bytes, gives those for the client. Throws a ThroughlineError when they are none of an answer. */
  chunk(data: Buffer): Uint8Array;
  /** The upstream's answer has ended: gives the last bytes. Throws where it ended too early. */
  end(): Uint8Array;
}

/** Where bytes for the client are written. */
export interface RoomForBytes {
  /** Memory of so many bytes. */
  room(length: number): Buffer;
}

/** The translation of one stream of events. */
export interface StreamTranslation extends FlowFacts {
  /**
   * Takes an event, gives the text to send to the client (whole events; empty: nothing).
   * Throws a ThroughlineError when the event is the upstream's error.
   */
  event(event: UpstreamEvent): string;
  /**
   * Takes a piece of the stream that begins with an event, where it is whole events whose bytes alone tell what the client gets: these. Undefined:
   * nothing was taken, its events are to be read. Absent: they always are.
   */
  passBytes?(piece: Buffer, bytes: RoomForBytes): Uint8Array | undefined;
  /**
   * True: content of the answer has come (text, reasoning, a refusal, a tool's name or input, an image). Until then all that
   * `event` gave only frames what is to come: the client has nothing of an answer if it ends here.
   */
  hasContent(): boolean;
  /** The upstream's stream has ended well: gives the last text. */
  end(moments: Moments): string;
}

/** Media that an answer names by addresses, fetched: by their addresses. */
export type FetchedMedia = ReadonlyMap<string, { readonly mediaType: string; readonly bytes: Buffer }>;

/** One attempt, translated between a client's dialect and an upstream's format. */
export interface Exchange {
  /** True: this status carries the answer. Absent: 200 alone. */
  accepts?(status: number): boolean;
  readonly message: UpstreamMessage;
  /** Things dropped or changed, for the record. */
  readonly notes: readonly string[];
  /**
   * The addresses in a whole answer whose images must be fetched before it can be given. Absent: there are never any. Throws as
   * `whole` does.
   */
  fetches?(body: Buffer): readonly string[];
  /** Translates a whole answer. Throws a ThroughlineError when it is none (an error inside a 200). `status`: 200 where it is absent. */
  whole(body: Buffer, moments: Moments, fetched?: FetchedMedia, status?: number): WholeAnswer;
  /** The refusal that an accepted status carries, of an upstream that did nothing; undefined: it is none. Asked before `whole`. */
  refusal?(body: Buffer, status: number): UpstreamFailure | undefined;
  /** The call that a whole answer leads to, which takes the place of this one; undefined: it is the answer itself. */
  next?(answer: UpstreamAnswer): Exchange | undefined;
  /** Translates a stream. */
  stream(): StreamTranslation;
  /** Absent: streams are server-sent events. */
  readonly framing?: Framing;
  /**
   * A whole answer, where a stream was asked for, as the events of one; undefined: it is no answer. Absent: a whole answer is
   * a failure.
   */
  events?(body: Buffer, fetched?: FetchedMedia): readonly UpstreamEvent[] | undefined;
  /**
   * The translation of a stream that came where a whole answer was asked for: its `document`, whatever its length, is the
   * answer. Absent: a stream is a failure.
   */
  gathered?(): StreamTranslation;
  /**
   * Translates an answer of bytes, or one whose events become bytes or other events: it makes all that the client gets. Absent: the
   * answer is JSON or events. A JSON answer goes to `whole` all the same, or to `events` where a stream was asked for, and so does
   * one with an accepted status that is neither 200 nor 206. Undefined: this one is to be read as events.
   */
  bytes?(head: BytesHead): BytesTranslation | undefined;
}

/** The exchange of a module that is answered whole: none of its endpoints lets a client ask for a stream. */
export function wholeExchange(exchange: Omit<Exchange, "stream">): Exchange {
  return {
    ...exchange,
    stream() {
      throw new ThroughlineError("internal_error", "This kind of work has no stream.");
    },
  };
}
