import { describe, expect, test } from "vitest";
import { traceIdOf } from "../../shared/request-id.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";
import { type Backends, type JaegerTrace, startBackends } from "./backends.ts";

/*
 * What no stand-in proves: a real Collector's receiver and tail sampling, and a real Jaeger's storage and queries. Run by
 * hand, with the two programs (README.md beside this file says how they are built):
 *
 *   JAEGER=/path/jaeger COLLECTOR=/path/collector REQUESTS=10000 vitest run test/observability
 */

const { JAEGER: jaeger = "", COLLECTOR: collector = "" } = process.env;
const requests = Number(process.env.REQUESTS ?? 10_000);
const isAsked = jaeger !== "" && collector !== "";

const chat = (model: string) => ({ model, messages: [{ role: "user", content: "Hello" }], temperature: 0.5 });
const speech = (model: string) => ({ model, voice: "alloy", input: "Hello" });
const ranking = (model: string) => ({ model, query: "Hello?", documents: ["Hello", "you"] });

/** A good request, one whose upstream fails, and one that is the client's mistake, of each module. */
const modules: Readonly<Record<string, readonly [path: string, good: object, failing: object, mistaken: object]>> = {
  chat: ["/v1/chat/completions", chat("gpt-4o"), chat("sim-status-500"), { model: "gpt-4o" }],
  embeddings: [
    "/v1/embeddings",
    { model: "text-embedding-3-small", input: "Hello" },
    { model: "embeddings/sim-status-500", input: "Hello" },
    { model: "text-embedding-3-small" },
  ],
  rerank: ["/v2/rerank", ranking("rerank/sim-plain"), ranking("rerank/sim-status-500"), { model: "rerank/sim-plain" }],
  moderation: ["/v1/moderations", { input: "Hi" }, { model: "moderation/sim-status-500", input: "Hi" }, {}],
  image: [
    "/v1/images/generations",
    { model: "image/sim-plain", prompt: "A hat" },
    { model: "image/sim-status-500", prompt: "A hat" },
    { model: "image/sim-plain" },
  ],
  audio: [
    "/v1/audio/speech",
    speech("speech/sim-plain"),
    speech("speech/sim-status-500"),
    { model: "speech/sim-plain" },
  ],
  video: [
    "/v1/videos",
    { model: "video/sim-plain", prompt: "A hat" },
    { model: "video/sim-status-500", prompt: "A hat" },
    { model: "video/sim-plain" },
  ],
};
const outcomes = ["good", "failing", "mistaken"] as const;

const servicesOf = (trace: JaegerTrace) =>
  new Set(trace.spans.map(({ processID }) => trace.processes[processID]?.serviceName.replace("throughline-", "")));
const rootsOf = ({ spans }: JaegerTrace) =>
  spans.filter(
    ({ references }) =>
      !references.some((one) => one.refType === "CHILD_OF" && spans.some((span) => span.spanID === one.spanID)),
  );

async function idOf(house: Deployment, path: string, body: object): Promise<bigint> {
  const response = await house.call(path, body);
  await response.arrayBuffer();
  return BigInt(response.headers.get("x-request-id") ?? 0);
}

/** The trace of a request as soon as it is whole. */
function found(backends: Backends, id: bigint, services: number): Promise<JaegerTrace> {
  return eventually(async () => {
    const trace = await backends.trace(traceIdOf(id));
    return trace !== undefined && servicesOf(trace).size >= services && rootsOf(trace).length === 1 ? trace : undefined;
  }, 60_000);
}

describe.skipIf(!isAsked)("a real Jaeger behind a real Collector", () => {
  test("has one tree over all services of each module and outcome, found by trace ID, request ID and error", async () => {
    await using backends = await startBackends(jaeger, collector, "2s");
    await using house = await startDeployment("mesh", {
      OTEL_EXPORTER_OTLP_ENDPOINT: backends.otlpGrpc,
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_TRACES_SAMPLER: "always_on",
    });
    const seen: string[] = [];
    for (const [module, [path, ...bodies]] of Object.entries(modules)) {
      for (const [index, outcome] of outcomes.entries()) {
        const id = await idOf(house, path, bodies[index] ?? {});
        const trace = await found(backends, id, outcome === "mistaken" ? 1 : 5);
        expect(rootsOf(trace)[0]?.operationName, module).toBe(`POST ${path}`);
        const byRequest = await backends.search("throughline-gateway", { "throughline.request_id": id.toString() });
        expect(byRequest.map(({ traceID }) => traceID)).toEqual([traceIdOf(id)]);
        const failed = await backends.search("throughline-gateway", { "error.type": "upstream_error" });
        const fails = outcome === "failing";
        expect([module, outcome, failed.some(({ traceID }) => traceID === traceIdOf(id))]).toEqual([
          module,
          outcome,
          fails,
        ]);
        seen.push(`${module} ${outcome}: ${trace.spans.length} spans of ${[...servicesOf(trace)].sort().join(", ")}`);
      }
    }
    process.stdout.write(`${seen.join("\n")}\n`);
  }, 600_000);

  test(`keeps every failed one of ${requests} requests at a share of 1 %`, async () => {
    await using backends = await startBackends(jaeger, collector, "10s");
    await using house = await startDeployment("up", {
      OTEL_EXPORTER_OTLP_ENDPOINT: backends.otlpHttp,
      OTEL_TRACES_SAMPLER: "always_on",
      OTEL_BSP_SCHEDULE_DELAY: "200ms",
      OTEL_BSP_MAX_QUEUE_SIZE: "100000",
      TRACE_KEEP_RATIO: "0.01",
      TRACE_KEEP_SLOWER_THAN: "1h",
    });
    const failing: bigint[] = [];
    const good: bigint[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < requests; n = next++) {
        const fails = n % 50 === 7;
        const id = await idOf(house, "/v1/chat/completions", chat(fails ? "sim-status-500" : "gpt-4o"));
        (fails ? failing : good).push(id);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    for (const id of failing) await found(backends, id, 5);
    // By now the decision is made for all that came before the last failed one.
    await found(backends, await idOf(house, "/v1/chat/completions", chat("sim-status-500")), 5);
    let kept = 0;
    let told = 0;
    for (const id of good) {
      const isThere = (await backends.trace(traceIdOf(id))) !== undefined;
      const place = Number.parseInt(traceIdOf(id).slice(-13), 16) / 16 ** 13;
      if (isThere) kept += 1;
      if (place < 0.01) told += 1;
      expect([id, isThere]).toEqual([id, place < 0.01]);
    }
    process.stdout.write(
      `${failing.length} of ${failing.length} failed kept; ${kept} of ${good.length} good ones, ${told} told by their ID\n`,
    );
  }, 900_000);
});
