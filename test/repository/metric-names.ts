import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Metrics, ObservedValue } from "../../shared/telemetry/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Events of the metrics, each told once. */
const events: Readonly<
  Record<Exclude<keyof Metrics, "observe" | "observeEach" | "knowModels" | "accounts">, (metrics: Metrics) => void>
> = {
  requestStarted: (metrics) => metrics.requestStarted("chat"),
  requestFinished: (metrics) =>
    metrics.requestFinished({
      module: "chat",
      model: "m",
      statusCode: 200,
      outcome: "success",
      stream: true,
      durationMs: 1,
      firstByteMs: 1,
      accountId: 1n,
      keyId: 1n,
    }),
  reservation: (metrics) => metrics.reservation("held"),
  charged: (metrics) => metrics.charged("chat", 1n),
  upstreamAttempt: (metrics) =>
    metrics.upstreamAttempt({ channel: "c", status: 200, outcome: "success", durationMs: 1 }),
  upstreamOperation: (metrics) =>
    metrics.upstreamOperation({
      operation: "chat",
      provider: "p",
      model: "m",
      durationMs: 1,
      firstChunkMs: 1,
      perChunkMs: 1,
      inputTokens: 1,
      outputTokens: 1,
    }),
  usageEstimated: (metrics) => metrics.usageEstimated("c", true),
  sweeperReleased: (metrics) => metrics.sweeperReleased(1),
  callRefused: (metrics) => metrics.callRefused(),
  idempotentReplay: (metrics) => metrics.idempotentReplay("chat"),
  edgeRefused: (metrics) => metrics.edgeRefused("connections"),
  refusalUnrecorded: (metrics) => metrics.refusalUnrecorded(),
  jobPoll: (metrics) => metrics.jobPoll("answered"),
  jobCallback: (metrics) => metrics.jobCallback("woken"),
  jobEnded: (metrics) => metrics.jobEnded("video", "success"),
  webhookDelivery: (metrics) => metrics.webhookDelivery("delivered"),
};

/**
 * Every metric name that a running platform shows, with the suffixes of histograms. Events and values that no code of
 * the processes tells are left out: a dashboard that asked for them would stay empty.
 */
export async function exposedMetrics(): Promise<ReadonlySet<string>> {
  const told = calls(/\bmetrics\.(\w+)\(/g);
  const observed = calls(/\.observe(?:Each)?\(\s*"(\w+)"/g);
  const telemetry = createTestTelemetry({ METRICS_ACCOUNTS: "1" });
  try {
    const { metrics } = telemetry;
    for (const [name, tell] of Object.entries(events)) if (told.has(name)) tell(metrics);
    for (const value of observed) metrics.observe(value as ObservedValue, () => 0);
    const text = await telemetry.metricsText();
    const names = text.split("\n").map((line) => /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? "");
    // Prometheus itself adds "up" for every target.
    return new Set([...names.filter((name) => name !== ""), "up"]);
  } finally {
    await telemetry.shutdown();
  }
}

/** First groups of a pattern in the code that the processes run. */
function calls(pattern: RegExp): ReadonlySet<string> {
  const code = execFileSync(
    "git",
    [
      "grep",
      "-hE",
      "--untracked",
      "metrics|observe",
      "--",
      "services/**.ts",
      "gateway/**.ts",
      "shared/**.ts",
      ":!**.test.ts",
    ],
    { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  return new Set([...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

const words = new Set(["and", "or", "unless", "on", "ignoring", "bool", "offset"]);

/** The metric names that a PromQL expression asks for: every name that is no function, keyword, label or text. */
export function metricNamesIn(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, "")
    .replace(/\{[^}]*\}/g, " ")
    .replace(/\[[^\]]*\]/g, " ")
    .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, " ");
  return [...bare.matchAll(/(?<![\w$])[a-zA-Z_][\w:]*\b(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name));
}
