import type { Observed } from "./observed.ts";
import type { DeliveryOutcome } from "./spans/jobs.ts";

/** How a reservation began or ended. */
export type ReservationEvent = "held" | "refused" | "settled" | "released" | "expired";

/** What an upstream attempt came to: its HTTP status, or why there was none. */
export type AttemptStatus = number | "timeout" | "network" | "cancelled";

/** A limit by which the edge turned something away. */
export type EdgeRefusal =
  | "connections"
  | "late_head"
  | "body_memory"
  | "spool"
  | "unknown_keys"
  | "free_requests"
  | "invalid_requests";

/** What came of a call about a job: it was looked at, there was nothing to be done, or the call was not its vendor's. */
export type JobCallbackOutcome = "woken" | "passed_over" | "forged";

/** A request that has ended, as it is counted. */
export interface FinishedRequest {
  /** chat, embeddings, image, video, audio, rerank, moderation. */
  module: string;
  /** Model as the client named it; counted as "other" unless configured. */
  model: string;
  /** HTTP status of the answer; 499 if the client left. */
  statusCode: number;
  /** Code of the error catalogue, or "success": a stream that broke has the status 200 and not this outcome. */
  outcome: string;
  stream: boolean;
  /** From the request's arrival to the last byte of the answer. */
  durationMs: number;
  /** From the request's arrival to the first byte of the answer's body. */
  firstByteMs?: number | undefined;
  /** Its trace, where that is kept: an exemplar of what is counted. */
  traceId?: string | undefined;
  /** Whose it is; absent: nobody's who is known. */
  accountId?: bigint | undefined;
  keyId?: bigint | undefined;
}

/** An attempt that has ended, as it is counted. */
export interface FinishedAttempt {
  /** Channel name of the configuration. */
  channel: string;
  status: AttemptStatus;
  /** Code of the error catalogue, or "success". */
  outcome: string;
  durationMs: number;
}

/** One successful or failed operation at an upstream, for the gen_ai.client.* metrics. */
export interface FinishedOperation {
  /** chat, embeddings, image, ... */
  operation: string;
  /** Vendor as the GenAI conventions name it. */
  provider: string;
  /** Model sent upstream; counted as "other" unless configured. */
  model: string;
  durationMs: number;
  /** From sending to the first chunk; streams only. */
  firstChunkMs?: number | undefined;
  /** Mean time between chunks; streams only. */
  perChunkMs?: number | undefined;
  /** All input tokens, cached ones included; left out if unknown. */
  inputTokens?: number | undefined;
  /** All output tokens, reasoning included; left out if unknown. */
  outputTokens?: number | undefined;
  /** error.type if it failed. */
  errorCode?: string | undefined;
}

/**
 * The platform's metrics, a function per event. Names start with `throughline_`; the gen_ai_client_* ones follow the GenAI
 * conventions. Labels take few values: models outside the configuration count as "other".
 */
export interface Metrics extends Observed {
  /** How many accounts, keys and budgets may show by name (METRICS_ACCOUNTS); 0: none. */
  readonly accounts: number;
  /** Says which models are configured. Names add up: several services of a process each know some. */
  knowModels(names: Iterable<string>): void;
  /** A request came in. Each is followed by one requestFinished. */
  requestStarted(module: string): void;
  requestFinished(request: FinishedRequest): void;
  reservation(event: ReservationEvent, count?: number): void;
  /** Nano-USD that a settlement charged. */
  charged(module: string, nanoUsd: bigint): void;
  upstreamAttempt(attempt: FinishedAttempt): void;
  upstreamOperation(operation: FinishedOperation): void;
  /** A usage had to be estimated because its upstream gave no readable counts. `whole`: the answer had come to its end. */
  usageEstimated(channel: string, whole: boolean): void;
  /** Reservations of dead requests that the sweeper released. */
  sweeperReleased(count: number): void;
  /** A gRPC call was refused: it had not the secret of this deployment. */
  callRefused(): void;
  /** An answer came from the idempotency store rather than from an upstream. */
  idempotentReplay(module: string): void;
  /** The edge turned a connection or a request away by a limit of its own. */
  edgeRefused(reason: EdgeRefusal): void;
  /** A refusal left no record: its key had as many of them this minute as are kept. */
  refusalUnrecorded(): void;
  /** A vendor was asked after a job: it answered, or could not be asked. */
  jobPoll(outcome: "answered" | "failed"): void;
  /** A vendor, or somebody else, has called about a job. */
  jobCallback(outcome: JobCallbackOutcome): void;
  /** A job has ended and is settled and recorded: `success`, or the code of its error. */
  jobEnded(module: string, outcome: string): void;
  /** A webhook was tried: it arrived, is tried again, or is given up. */
  webhookDelivery(outcome: DeliveryOutcome): void;
}
