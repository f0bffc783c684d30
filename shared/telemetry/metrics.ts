import type { Meter } from "@opentelemetry/api";
import { isFault } from "../errors/catalogue.ts";
import { scrub } from "../scrub.ts";
import { createBusiest } from "./busiest.ts";
import type { DeliveryOutcome } from "./spans/jobs.ts";
import type { Tallies } from "./tallies.ts";

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

/** A value of an account, or of one of its budgets. */
export interface LabelledValue {
  readonly value: number;
  /** What looks like a secret in a value is hidden. */
  readonly labels: Readonly<Record<string, string>>;
}

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

/** Values that are read when scraped, with what they mean. */
const observed = {
  reservations_open: "Reservations not yet settled or released.",
  reserved_nano_usd: "Nano-USD held by open reservations.",
  history_backlog: "Records accepted and not yet written.",
  edge_connections: "Connections of clients that are open.",
  edge_body_bytes: "Bytes of bodies that requests keep.",
  edge_spool_bytes: "Bytes of uploads that requests keep on disk.",
  retention_waiting:
    "Periods past their retention that stay for now, since too much would go at once or clocks differ.",
  jobs_running: "Jobs that a process of jobs works at in this moment.",
  jobs_open: "Jobs that have not ended, by state, of all processes of jobs together.",
  jobs_stranded: "Jobs whose channel was removed, so that nobody can be asked after them.",
  jobs_due_seconds: "Seconds for which the oldest step of a job that is due has waited.",
  webhooks_waiting: "Deliveries of webhooks that have not arrived and are not given up.",
  webhooks_due_seconds: "Seconds for which the oldest delivery that is due has waited.",
  channels_broken: "Channels whose breaker is open.",
  certificate_ends_unix_seconds: "Unix seconds at which the process's own certificate ends.",
  accounts_low: "Accounts whose credit would not last for another day like the last one on which they were charged.",
  budgets_low: "Budgets of accounts and keys of which nine tenths are used in this day or month.",
  account_credit_nano_usd: "Nano-USD that an account has left, what requests hold taken off.",
  account_charged_nano_usd: "Nano-USD that an account was charged this month.",
  budget_left_nano_usd: "Nano-USD left of a budget of an account (key empty) or of a key, in this day or month.",
  configuration_rejected: "1 while the configuration file is wrong and the last good one is in use, else 0.",
} as const;
export type ObservedValue = keyof typeof observed;

/**
 * The platform's metrics, a function per event. Names start with `throughline_`; the gen_ai_client_* ones follow the GenAI
 * conventions. Labels take few values: models outside the configuration count as "other".
 */
export interface Metrics {
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
  /**
   * Reads a value at every scrape, with a label for whose it is where several share the process, or with labels. Returns what ends the
   * reading; the last value stays. A reader that throws is left out of that scrape and harms no other metric.
   */
  observe(value: ObservedValue, read: () => number, owner?: string | Readonly<Record<string, string>>): () => void;
  /** The same for values whose labels come and go. */
  observeEach(value: ObservedValue, read: () => readonly LabelledValue[]): () => void;
}

/** What of a request's account metrics tell. */
export type AccountOutcome = "success" | "mistake" | "fault";

const other = "other";
const doubling = Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power);
/** Seconds: the conventions' doubling buckets, extended for video and long reasoning. */
const operationBuckets = [...doubling, 163.84, 327.68, 655.36, 1310.72];
const requestBuckets = [0.001, 0.0025, 0.005, ...operationBuckets];
const firstByteBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];
const tokenBuckets = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** Creates the metrics: what is counted in tallies, what is read when scraped on a meter. @param accounts how many accounts' keys show by name. */
export function createMetrics(meter: Meter, tallies: Tallies, accounts = 0): Metrics {
  const counter = (name: string, description: string, ...labels: string[]) =>
    tallies.sum(`throughline_${name}`, description, labels, true);
  const seconds = (name: string, description: string, boundaries: number[], ...labels: string[]) =>
    tallies.histogram({ name, unit: "seconds", description, boundaries }, labels);

  const requests = counter("requests_total", "Requests answered.", ...["module", "model", "status_code", "outcome"]);
  const requestDuration = seconds(
    "throughline_request_duration_seconds",
    "From arrival to the last byte.",
    requestBuckets,
    ...["module", "mode"],
  );
  const firstByte = seconds(
    "throughline_time_to_first_byte_seconds",
    "From arrival to the first byte of the body.",
    firstByteBuckets,
    ...["module", "mode"],
  );
  const active = tallies.sum("throughline_active_requests", "Requests being served.", ["module"], false);
  const reservations = counter("reservations_total", "Reservations by what happened to them.", "event");
  const charged = counter("charged_nano_usd_total", "Nano-USD charged by settlements.", "module");
  const attempts = counter("upstream_attempts_total", "Attempts at upstreams.", ...["channel", "status", "outcome"]);
  const attemptDuration = seconds(
    "throughline_upstream_attempt_duration_seconds",
    "Length of attempts.",
    operationBuckets,
    "channel",
  );
  const estimated = counter(
    "usage_estimated_total",
    "Answers whose usage is estimated because the upstream gave no readable counts.",
    ...["channel", "answer"],
  );
  const swept = counter("sweeper_releases_total", "Reservations of dead requests that the sweeper released.");
  const refused = counter("grpc_calls_refused_total", "gRPC calls without this deployment's secret.");
  const replays = counter("idempotent_replays_total", "Answers replayed for a repeated Idempotency-Key.", "module");
  const turnedAway = counter("edge_refusals_total", "What the edge turned away by its own limits.", "reason");
  const unrecorded = counter(
    "refusals_unrecorded_total",
    "Refusals beyond those that are recorded of a key in a minute.",
  );
  const jobPolls = counter("job_polls_total", "Questions to vendors after jobs by what became of them.", "outcome");
  const jobCallbacks = counter("job_callbacks_total", "Calls of vendors about jobs by what came of them.", "outcome");
  const jobsEnded = counter("jobs_ended_total", "Jobs that ended, by their outcome.", "module", "outcome");
  const webhooks = counter("webhook_deliveries_total", "Tries to deliver webhooks by what became of them.", "outcome");
  const operation = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"];
  const tokens = tallies.histogram(
    {
      name: "gen_ai_client_token_usage",
      unit: "",
      description: "Tokens used by an operation.",
      boundaries: tokenBuckets,
    },
    [...operation, "gen_ai_token_type"],
  );
  const duration = seconds(
    "gen_ai_client_operation_duration_seconds",
    "Length of an operation.",
    operationBuckets,
    ...[...operation, "error_type"],
  );
  const firstChunk = seconds(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time to the first chunk.",
    operationBuckets,
    ...operation,
  );
  const perChunk = seconds(
    "gen_ai_client_operation_time_per_output_chunk_seconds",
    "Time between chunks.",
    operationBuckets,
    ...operation,
  );

  // Off by default: a series for each key, and only for the busiest of them.
  const byAccount =
    accounts === 0 ? undefined : createBusiest<AccountOutcome>(accounts, { account: other, key: other });
  if (byAccount !== undefined) {
    const description = "Requests answered, by account and key: success, mistakes of the client, faults.";
    const counted = meter.createObservableCounter("throughline_account_requests_total", { description });
    counted.addCallback((result) => {
      for (const { labels, kind, value } of byAccount.read()) result.observe(value, { ...labels, result: kind });
    });
  }

  const gauges = new Map<ObservedValue, ReturnType<Meter["createObservableGauge"]>>();
  const gauge = (value: ObservedValue) => {
    const known =
      gauges.get(value) ??
      meter.createObservableGauge(`throughline_${value}`, { description: observed[value], unit: unitOf(value) });
    gauges.set(value, known);
    return known;
  };

  const models = new Set<string>();
  const modelLabel = (model: string) => (models.has(model) ? model : other);
  // Codes as text, made once: labels are strings, and the same few codes come all the time.
  const codes = new Map<number, string>();
  const codeLabel = (code: number) => {
    let label = codes.get(code);
    if (label === undefined) {
      label = Number.isInteger(code) && code >= 100 && code <= 599 ? String(code) : other;
      if (codes.size < 600) codes.set(code, label);
    }
    return label;
  };

  return {
    accounts,
    knowModels(names) {
      for (const name of names) models.add(name);
    },
    requestStarted(module) {
      active.add(1, module);
    },
    requestFinished({
      module,
      model,
      statusCode,
      outcome,
      stream,
      durationMs,
      firstByteMs,
      traceId,
      accountId,
      keyId,
    }) {
      const mode = stream ? "stream" : "whole";
      active.add(-1, module);
      if (byAccount !== undefined && accountId !== undefined) {
        const [account, key] = [accountId.toString(), (keyId ?? 0n).toString()];
        byAccount.count(`${account} ${key}`, accountOutcome(outcome), () => ({ account, key }));
      }
      if (traceId !== undefined) {
        requests.countIn(traceId, module, modelLabel(model), codeLabel(statusCode), outcome);
        requestDuration.recordIn(traceId, durationMs / 1000, module, mode);
        if (firstByteMs !== undefined) firstByte.recordIn(traceId, firstByteMs / 1000, module, mode);
        return;
      }
      requests.add(1, module, modelLabel(model), codeLabel(statusCode), outcome);
      requestDuration.record(durationMs / 1000, module, mode);
      if (firstByteMs !== undefined) firstByte.record(firstByteMs / 1000, module, mode);
    },
    reservation(event, count = 1) {
      reservations.add(count, event);
    },
    charged(module, nanoUsd) {
      charged.add(Number(nanoUsd), module);
    },
    upstreamAttempt({ channel, status, outcome, durationMs }) {
      attempts.add(1, channel, typeof status === "number" ? codeLabel(status) : status, outcome);
      attemptDuration.record(durationMs / 1000, channel);
    },
    upstreamOperation(done) {
      const { operation: name, provider } = done;
      const model = modelLabel(done.model);
      duration.record(done.durationMs / 1000, name, provider, model, done.errorCode);
      if (done.firstChunkMs !== undefined) firstChunk.record(done.firstChunkMs / 1000, name, provider, model);
      if (done.perChunkMs !== undefined) perChunk.record(done.perChunkMs / 1000, name, provider, model);
      if (done.inputTokens !== undefined) tokens.record(done.inputTokens, name, provider, model, "input");
      if (done.outputTokens !== undefined) tokens.record(done.outputTokens, name, provider, model, "output");
    },
    usageEstimated(channel, whole) {
      estimated.add(1, channel, whole ? "whole" : "broken");
    },
    sweeperReleased(count) {
      swept.add(count);
    },
    callRefused() {
      refused.add(1);
    },
    idempotentReplay(module) {
      replays.add(1, module);
    },
    edgeRefused(reason) {
      turnedAway.add(1, reason);
    },
    refusalUnrecorded() {
      unrecorded.add(1);
    },
    jobPoll(outcome) {
      jobPolls.add(1, outcome);
    },
    jobCallback(outcome) {
      jobCallbacks.add(1, outcome);
    },
    jobEnded(module, outcome) {
      jobsEnded.add(1, module, outcome);
    },
    webhookDelivery(outcome) {
      webhooks.add(1, outcome);
    },
    observe(value, read, owner) {
      const instrument = gauge(value);
      const labels = typeof owner === "string" ? { owner } : { ...owner };
      const callback: Parameters<typeof instrument.addCallback>[0] = (result) => result.observe(read(), labels);
      instrument.addCallback(callback);
      return () => instrument.removeCallback(callback);
    },
    observeEach(value, read) {
      const instrument = gauge(value);
      const callback: Parameters<typeof instrument.addCallback>[0] = (result) => {
        for (const { value: now, labels } of read()) result.observe(now, scrubbed(labels));
      };
      instrument.addCallback(callback);
      return () => instrument.removeCallback(callback);
    },
  };
}

/** Prometheus' base unit that a name ends with; "": it is a number of something. */
function unitOf(value: ObservedValue): string {
  return /_(seconds|bytes)$/.exec(value)?.[1] ?? "";
}

function scrubbed(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, scrub(text)]));
}

function accountOutcome(outcome: string): AccountOutcome {
  if (outcome === "success") return "success";
  return isFault(outcome) ? "fault" : "mistake";
}
