import type { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Attempt } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Span } from "../../../shared/telemetry/index.ts";
import type { OpenChannel } from "../channels.ts";
import type { AnswerFacts, BytesHead, Exchange } from "../domain/exchange.ts";
import type { Pass } from "../resilience/channel-health.ts";
import type { Verdict } from "../resilience/verdict.ts";

/** Where the pieces of an answer go. */
export interface AttemptSink {
  /** Bytes for the client; `head` says what they are. */
  write(data: Uint8Array, upstreamRequestId: string, head: BytesHead): void;
}

/** What came of one attempt. */
export interface AttemptResult {
  readonly attempt: Attempt;
  /** At least one byte was given to the client: of a stream content, or the end of an answer without any. */
  readonly began: boolean;
  /** Why it failed; absent: it answered. */
  readonly error: ThroughlineError | undefined;
  /** True: another candidate may be tried (only when nothing began). */
  readonly failover: boolean;
  /** What the answer leads to: the same candidate is asked on by it, and this attempt's answer is none of the client's. */
  readonly next: Exchange | undefined;
  /** What it says of the channel's health. */
  readonly verdict: Verdict;
  readonly facts: AnswerFacts | undefined;
  /** An answer that was given whole. */
  readonly whole: Uint8Array | undefined;
  /** What history keeps of the answer in place of what the client got; of a stream always. */
  readonly document: { readonly body: Uint8Array; readonly truncated: boolean } | undefined;
  /** How the answer differed from what was asked for, for the record. */
  readonly notes: readonly string[];
  readonly timings: { sentUs: number; firstByteUs: number; lastByteUs: number; chunks: number };
}

/** An attempt under way. */
export interface RunningAttempt {
  readonly result: Promise<AttemptResult>;
  pause(): void;
  resume(): void;
  /** The client left: closes the upstream's socket at once. */
  cancel(): void;
}

/** What an attempt needs to know. */
export interface AttemptOptions {
  readonly channel: OpenChannel;
  readonly candidate: Candidate;
  readonly exchange: Exchange;
  /** Leave of the channel's health; it hears of the signs of life, its `end` is the caller's to tell. */
  readonly pass: Pass;
  readonly stream: boolean;
  readonly span: Span;
  readonly attemptId: bigint;
  readonly requestIdText: string;
  /** Microseconds since the arrival of the request at the gateway. */
  readonly clockUs: () => number;
}
