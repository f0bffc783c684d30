import type { Meter } from "@opentelemetry/api";
import { isFault } from "../errors/catalogue.ts";
import { createBusiest } from "./busiest.ts";
import type { Metrics } from "./metrics-contract.ts";
import { createObserved } from "./observed.ts";
import type { Tallies } from "./tallies.ts";

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

  const { observe, observeEach } = createObserved(meter);
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
    observe,
    observeEach,
  };
}

function accountOutcome(outcome: string): AccountOutcome {
  if (outcome === "success") return "success";
  return isFault(outcome) ? "fault" : "mistake";
}
