import { expect, onTestFinished, test, vi } from "vitest";
import { createTallies } from "./tallies.ts";
import { createTestTelemetry } from "./testing.ts";

function metricsFor() {
  const telemetry = createTestTelemetry();
  onTestFinished(() => telemetry.shutdown());
  const samples = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await telemetry.metricsText())
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  return { metrics: telemetry.metrics, samples, text: () => telemetry.metricsText() };
}

test("a request is counted once, by module, configured model and status", async () => {
  const { metrics, samples } = metricsFor();
  metrics.knowModels(["m-1"]);
  for (const model of ["m-1", "whatever a client types", "m-1"]) {
    metrics.requestStarted("chat");
    metrics.requestFinished({
      module: "chat",
      model,
      statusCode: 200,
      outcome: "success",
      stream: true,
      durationMs: 30,
      firstByteMs: 3,
    });
  }
  metrics.requestStarted("chat");
  expect(await samples()).toMatchObject({
    'throughline_requests_total{module="chat",model="m-1",status_code="200",outcome="success"}': 2,
    'throughline_requests_total{module="chat",model="other",status_code="200",outcome="success"}': 1,
    'throughline_active_requests{module="chat"}': 1,
    'throughline_request_duration_seconds_count{module="chat",mode="stream"}': 3,
    'throughline_request_duration_seconds_sum{module="chat",mode="stream"}': expect.closeTo(0.09),
    'throughline_request_duration_seconds_bucket{module="chat",mode="stream",le="0.02"}': 0,
    'throughline_request_duration_seconds_bucket{module="chat",mode="stream",le="0.04"}': 3,
    'throughline_time_to_first_byte_seconds_count{module="chat",mode="stream"}': 3,
  });
});

test("however many models and codes clients make up, the series stay few", async () => {
  const { metrics, samples } = metricsFor();
  for (let i = 0; i < 5000; i++) {
    metrics.requestFinished({
      module: "chat",
      model: `m${i}`,
      statusCode: i,
      outcome: "success",
      stream: false,
      durationMs: 1,
    });
  }
  const series = Object.keys(await samples()).filter((name) => name.startsWith("throughline_requests_total"));
  expect(series).toHaveLength(501);
});

test("requests are told by account and key only where that is switched on, so many of them, and the others as one", async () => {
  const seen = async (env: Readonly<Record<string, string>>) => {
    const telemetry = createTestTelemetry(env);
    onTestFinished(() => telemetry.shutdown());
    const request = { module: "chat", model: "m", statusCode: 200, stream: false, durationMs: 1 };
    const outcomes = ["success", "invalid_value", "upstream_error", "client_closed_request", "internal_error"];
    for (let keyId = 1n; keyId <= 40n; keyId += 1n) {
      for (const outcome of outcomes) telemetry.metrics.requestFinished({ ...request, outcome, accountId: 7n, keyId });
    }
    telemetry.metrics.requestFinished({ ...request, outcome: "invalid_api_key" });
    const lines = (await telemetry.metricsText()).split("\n");
    return lines.filter((line) => line.startsWith("throughline_account_requests_total"));
  };
  expect(await seen({})).toEqual([]);
  const of = (labels: string, times: number) =>
    Object.entries({ success: 1, mistake: 2, fault: 2 }).map(
      ([result, count]) => `throughline_account_requests_total{${labels},result="${result}"} ${count * times}`,
    );
  expect(await seen({ METRICS_ACCOUNTS: "2" })).toEqual([
    ...of('account="7",key="1"', 1),
    ...of('account="7",key="2"', 1),
    ...of('account="other",key="other"', 38),
  ]);
});

test("money, reservations, attempts and the sweeper", async () => {
  const { metrics, samples } = metricsFor();
  metrics.reservation("held");
  metrics.reservation("released", 3);
  metrics.charged("chat", 1_234_567_890_123n);
  metrics.charged("chat", 1n);
  metrics.upstreamAttempt({ channel: "main", status: 529, outcome: "upstream_overloaded", durationMs: 12 });
  metrics.upstreamAttempt({ channel: "main", status: "timeout", outcome: "upstream_timeout", durationMs: 12 });
  metrics.usageEstimated("main", true);
  metrics.usageEstimated("main", false);
  metrics.sweeperReleased(2);
  metrics.idempotentReplay("chat");
  expect(await samples()).toMatchObject({
    'throughline_reservations_total{event="held"}': 1,
    'throughline_reservations_total{event="released"}': 3,
    'throughline_charged_nano_usd_total{module="chat"}': 1_234_567_890_124,
    'throughline_upstream_attempts_total{channel="main",status="529",outcome="upstream_overloaded"}': 1,
    'throughline_upstream_attempts_total{channel="main",status="timeout",outcome="upstream_timeout"}': 1,
    'throughline_upstream_attempt_duration_seconds_count{channel="main"}': 2,
    'throughline_usage_estimated_total{channel="main",answer="whole"}': 1,
    'throughline_usage_estimated_total{channel="main",answer="broken"}': 1,
    throughline_sweeper_releases_total: 2,
    'throughline_idempotent_replays_total{module="chat"}': 1,
  });
});

test("GenAI metrics bear the conventions' names, and unknown usage is not invented", async () => {
  const { metrics, samples } = metricsFor();
  metrics.knowModels(["m"]);
  const operation = { operation: "chat", provider: "acme", model: "m", durationMs: 250 };
  metrics.upstreamOperation({ ...operation, firstChunkMs: 20, perChunkMs: 5, inputTokens: 10, outputTokens: 20 });
  metrics.upstreamOperation({ ...operation, errorCode: "529" });
  const labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="acme",gen_ai_request_model="m"';
  const seen = await samples();
  expect(seen).toMatchObject({
    [`gen_ai_client_token_usage_sum{${labels},gen_ai_token_type="input"}`]: 10,
    [`gen_ai_client_token_usage_sum{${labels},gen_ai_token_type="output"}`]: 20,
    [`gen_ai_client_token_usage_count{${labels},gen_ai_token_type="output"}`]: 1,
    [`gen_ai_client_operation_duration_seconds_sum{${labels}}`]: 0.25,
    [`gen_ai_client_operation_duration_seconds_count{${labels},error_type="529"}`]: 1,
    [`gen_ai_client_operation_time_to_first_chunk_seconds_sum{${labels}}`]: 0.02,
    [`gen_ai_client_operation_time_per_output_chunk_seconds_sum{${labels}}`]: 0.005,
  });
  const bounds = Object.keys(seen)
    .filter(
      (name) => name.startsWith("gen_ai_client_operation_duration_seconds_bucket") && !name.includes("error_type"),
    )
    .map((name) => /le="([^"]+)"/.exec(name)?.[1]);
  expect(bounds.slice(0, 4)).toEqual(["0.01", "0.02", "0.04", "0.08"]);
  expect(bounds).toContain("81.92");
});

test("observed values are read at each scrape, by owner, until the reading ends", async () => {
  const { metrics, samples } = metricsFor();
  let backlog = 3;
  const end = metrics.observe("history_backlog", () => backlog);
  metrics.observe("channels_broken", () => 1, "billing");
  metrics.observe("channels_broken", () => 2, "history");
  expect(await samples()).toMatchObject({
    throughline_history_backlog: 3,
    'throughline_channels_broken{owner="billing"}': 1,
    'throughline_channels_broken{owner="history"}': 2,
  });
  backlog = 4;
  expect(await samples()).toMatchObject({ throughline_history_backlog: 4 });
  end();
  backlog = 5;
  expect(await samples()).toMatchObject({ throughline_history_backlog: 4 });
});

test("a reader that throws harms no other metric", async () => {
  const { metrics, samples } = metricsFor();
  metrics.observe("history_backlog", () => {
    throw new Error("gone");
  });
  metrics.observe("reservations_open", () => 2);
  const seen = await samples();
  expect(seen).toMatchObject({ throughline_reservations_open: 2 });
  expect(seen).not.toHaveProperty("throughline_history_backlog");
});

test("the process measures itself", async () => {
  const { samples } = metricsFor();
  const seen = await samples();
  expect(seen.process_cpu_seconds_total).toBeGreaterThan(0);
  expect(seen.process_resident_memory_bytes).toBeGreaterThan(10_000_000);
  expect(seen.nodejs_heap_size_used_bytes).toBeGreaterThan(1_000_000);
  expect(Math.abs((seen.process_start_time_seconds ?? 0) - performance.timeOrigin / 1000)).toBeLessThan(1);
  for (const lag of ["mean", "p99", "max"])
    expect(seen[`nodejs_eventloop_lag_${lag}_seconds`]).toBeGreaterThanOrEqual(0);
  expect(seen.nodejs_eventloop_utilization_ratio).toBeLessThanOrEqual(1);
});

test("a blocked event loop shows as lag", async () => {
  const { samples } = metricsFor();
  // The histogram takes its first reading one period in.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const until = performance.now() + 120;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const seen = await samples();
  expect(seen.nodejs_eventloop_lag_max_seconds).toBeGreaterThan(0.08);
  expect(seen.nodejs_eventloop_lag_max_seconds).toBeLessThan(1);
});

test("names follow Prometheus: our prefix or a common one, base units, counters end in _total, each described once", async () => {
  const { metrics, text } = metricsFor();
  metrics.requestStarted("chat");
  metrics.requestFinished({
    module: "chat",
    model: "m",
    statusCode: 200,
    outcome: "success",
    stream: false,
    durationMs: 1,
    firstByteMs: 1,
  });
  metrics.upstreamOperation({
    operation: "chat",
    provider: "p",
    model: "m",
    durationMs: 1,
    firstChunkMs: 1,
    inputTokens: 1,
  });
  metrics.upstreamAttempt({ channel: "c", status: 200, outcome: "success", durationMs: 1 });
  metrics.charged("chat", 1n);
  const lines = (await text()).split("\n");
  const types = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" "));
  expect(types.length).toBeGreaterThan(15);
  expect(new Set(types.map(([, , name]) => name)).size).toBe(types.length);
  for (const [, , name = "", type] of types) {
    expect(name).toMatch(/^(throughline|gen_ai_client|process|nodejs|otel_sdk|target)_[a-z0-9_]+$/);
    expect(name).not.toMatch(/_(ms|milliseconds|micros|kb|mb)(_|$)/);
    if (type === "counter") expect(name).toMatch(/_total$/);
    else expect(name).not.toMatch(/_total$/);
  }
  expect(lines.filter((line) => line.startsWith("# HELP") && line.includes("description missing"))).toEqual([]);
});

const openMetricsAccept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";

test("a scrape that asks for OpenMetrics gets the same series, with exemplars of traces that are kept", async () => {
  const telemetry = createTestTelemetry();
  onTestFinished(() => telemetry.shutdown());
  const { metrics } = telemetry;
  const request = { module: "chat", model: 'a "model"\\', statusCode: 200, outcome: "success", stream: true };
  metrics.knowModels([request.model]);
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  metrics.requestStarted("chat");
  metrics.requestFinished({ ...request, durationMs: 30, firstByteMs: 4, traceId });
  metrics.requestStarted("chat");
  metrics.requestFinished({ ...request, durationMs: 3_000_000, firstByteMs: 4 });
  metrics.upstreamOperation({ operation: "chat", provider: "p", model: "m", durationMs: 1, inputTokens: 3_000_000 });
  metrics.observe("history_backlog", () => 7, "history");
  const { type, text } = await telemetry.metricsFor(openMetricsAccept);
  expect(type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(text.endsWith("# EOF\n")).toBe(true);
  expect(text).toContain("# TYPE throughline_requests counter\n");
  expect(text).toMatch(
    /^throughline_requests_total\{module="chat",model="a \\"model\\"\\\\",status_code="200",outcome="success"\} 2 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 1 \d+\.\d{3}$/m,
  );
  expect(text).toMatch(
    /^throughline_request_duration_seconds_bucket\{module="chat",mode="stream",le="0.04"\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 0\.03 /m,
  );
  expect(text).toMatch(/^throughline_request_duration_seconds_bucket\{[^}]*le="\+Inf"\} 2$/m);
  expect(text).toMatch(/^gen_ai_client_token_usage_bucket\{[^}]*le="4\.194304e\+06"\} 1$/m);
  expect(text).toMatch(/^throughline_history_backlog\{owner="history"\} 7$/m);

  // Series for series what the older text has, but for how bounds of buckets are written.
  const series = (all: string) =>
    new Set(
      all
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) =>
          line
            .replace(/ # .*$/, "")
            .replace(/ [^ ]+$/, "")
            .replace(/,le="[^"]*"/, ",le"),
        ),
    );
  const older = await telemetry.metricsFor("text/plain");
  expect(older).toMatchObject({ type: "text/plain; version=0.0.4; charset=utf-8" });
  expect(older.text).not.toContain("0af7651916cd43dd8448eb211c80319c");
  expect(series(text)).toEqual(series(older.text));
});

test("an exemplar is replaced a second later at the earliest: many requests make no more of them", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const tallies = createTallies();
  const sum = tallies.sum("a_total", "", ["x"], true);
  const exemplar = () => {
    const [metric] = tallies.collect();
    return metric?.dataPoints.map((point) => tallies.exemplarsOf(point)[0]?.traceId);
  };
  sum.countIn("first", "1");
  for (let n = 0; n < 100; n += 1) sum.countIn(`more-${n}`, "1");
  expect(exemplar()).toEqual(["first"]);
  vi.setSystemTime(Date.now() + 1_000);
  sum.countIn("later", "1");
  expect(exemplar()).toEqual(["later"]);
});
