import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { ObservedValue } from "../../shared/telemetry/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { isInstalled } from "../repository/programs.ts";
import { hasPython, python } from "./python.ts";

/* What a scrape gets, read by the strict parsers that there are: Prometheus' own linter and the specification's in Python. */

const readsStrictly = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = {family.name: family for family in text_string_to_metric_families(open(sys.argv[1], newline="").read())}
assert families["target"].type == "info" and len(families["target"].samples) == 1
duration = families["throughline_request_duration_seconds"]
assert (duration.type, duration.unit) == ("histogram", "seconds"), duration
assert families["process_resident_memory_bytes"].unit == "bytes"
assert families["throughline_requests"].type == "counter"
assert any(sample.exemplar and sample.exemplar.labels["trace_id"] for sample in duration.samples), duration
assert any(sample.exemplar for sample in families["throughline_requests"].samples)
`;

/** Names and values that nobody sensible gives, as an operator's attributes and as names of models, channels and accounts. */
const hostile = fc.sample(fc.string({ unit: "grapheme", maxLength: 12 }), { numRuns: 60, seed: 22 });
const resourceAttributes = [
  ...["deployment.environment=a", "deployment_environment=b", "deployment-environment=c", "2fast=d", "__name__=e"],
  ...hostile.map((one, at) => `attribute.${at}=${encodeURIComponent(`${one}\\"\n`)}`),
  ...hostile.filter((one) => one.trim() !== "").map((one) => `${encodeURIComponent(one)}=x`),
].join(",");

function everything() {
  const telemetry = createTestTelemetry({
    OTEL_RESOURCE_ATTRIBUTES: resourceAttributes,
    METRICS_ACCOUNTS: "3",
  });
  onTestFinished(() => telemetry.shutdown());
  const { metrics } = telemetry;
  const values: readonly ObservedValue[] = ["history_backlog", "certificate_ends_unix_seconds", "edge_body_bytes"];
  for (const value of values) metrics.observe(value, () => 1.5e21, "history");
  metrics.knowModels(hostile);
  metrics.observeEach("account_credit_nano_usd", () =>
    hostile.map((name, at) => ({ value: -at, labels: { account: String(at), name } })),
  );
  for (const [at, name] of hostile.entries()) {
    const statusCode = 200 + at;
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    metrics.requestStarted("chat");
    metrics.requestFinished({
      ...{ module: "chat", model: name, statusCode, outcome: "success", stream: at % 2 === 0, traceId },
      ...{ durationMs: 10 ** (at % 8), firstByteMs: at, accountId: BigInt(at), keyId: BigInt(at) },
    });
    metrics.upstreamAttempt({ channel: name, status: "timeout", outcome: "upstream_timeout", durationMs: at });
    metrics.upstreamOperation({
      ...{ operation: "chat", provider: name, model: name, durationMs: at, firstChunkMs: at, perChunkMs: at },
      ...{ inputTokens: 4 ** (at % 15), outputTokens: at, errorCode: at % 2 === 0 ? name : undefined },
    });
  }
  metrics.charged("chat", 2n ** 62n);
  return telemetry;
}

test.skipIf(!(await hasPython("prometheus_client")))(
  "a scrape in OpenMetrics is read by the strict parser",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "throughline-metrics-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "scrape.txt");
    const { text: scrape } = await everything().metricsFor("application/openmetrics-text");
    await writeFile(file, scrape);
    await python(readsStrictly, file);
    expect(scrape.match(/^target_info.*deployment_environment="a;b;c"/m)).not.toBeNull();
  },
  60_000,
);

test.skipIf(!isInstalled("promtool"))(
  "a scrape in the older text is read by Prometheus' linter, which finds nothing",
  async () => {
    const checker = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "ignore", "pipe"] });
    const said = text(checker.stderr);
    checker.stdin.end(await everything().metricsText());
    // A linter that finds a fault reads no further.
    checker.stdin.on("error", () => undefined);
    const [code] = (await once(checker, "exit")) as [number | null];
    expect([code, await said]).toEqual([0, ""]);
  },
  60_000,
);
