import type { ThroughlineError } from "../errors/error.ts";
import type { Candidate, Module, StoreResponse } from "../gen/throughline/common/v1/common_pb.ts";
import type { TimelineEvent } from "../gen/throughline/history/v1/history_pb.ts";
import type { Outcome, RequestFacts } from "../gen/throughline/provider/v1/provider_pb.ts";

/** A request as its settlement and its record see it, whoever makes them. */
export interface ClosingRequest {
  readonly requestId: bigint;
  readonly facts: RequestFacts;
  /** Client's dialect, e.g. "openai.chat". */
  readonly dialect: string;
  readonly module: Module;
  /** Model name as the client wrote it. */
  readonly requestedModel: string;
  readonly stream: boolean;
  readonly storeResponse: StoreResponse;
  /** Candidates in order; none where there is no route. */
  readonly candidates: readonly Candidate[];
}

/** How the answering of a request ended. */
export interface ClosingEnding {
  /** What the provider says; absent when it went away in the middle. */
  readonly outcome: Outcome | undefined;
  /** Why it failed; absent when it succeeded or the client left. */
  readonly error: ThroughlineError | undefined;
  /** The client left before the end. */
  readonly gone: boolean;
  /** The gateway was lost: what the client got is not known. */
  readonly lost: boolean;
  /** Pieces of the answer that were given; 0: nothing was delivered. */
  readonly pieces: number;
  /** The channel that the head of the answer named; empty: none came. */
  readonly channel: string;
  /** Tokens of the input as they were estimated, for an answer without an outcome. */
  readonly inputTokens: number;
}

/** What only the record says of an ending. */
export interface ClosingDetail {
  /** Microseconds from the arrival to the first byte for the client; 0: none, or not known. */
  readonly firstByteUs: bigint;
  /** Microseconds from the arrival to the end. */
  readonly durationUs: bigint;
  /** Steps of the request, in their order. */
  readonly timeline: readonly TimelineEvent[];
  /** The answer as one JSON document; empty: none. */
  readonly response: Uint8Array;
  readonly responseTruncated: boolean;
  /** Notes beside the outcome's. */
  readonly notes: readonly string[];
  /** True: its trace is not kept. Absent: not known. */
  readonly traceDropped?: boolean;
}
