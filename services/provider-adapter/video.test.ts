import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromWireError } from "../../shared/errors/wire.ts";
import {
  CandidateSchema,
  Module,
  type PricingSchema,
  StoreResponse,
  Unit,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Head, JobAction } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type JobReport, readJobReport } from "../../shared/job-report.ts";
import { wholeResultOf } from "../simulator/jobs.ts";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { startTestProvider, type TestProvider, type TestProviderOptions } from "./testing-provider.ts";

/* Jobs for videos, step by step, over real sockets to the simulator. */

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const picture = Buffer.from("a picture of no format, ".repeat(4_000));
const bySecond: MessageInitShape<typeof PricingSchema> = { rates: [{ unit: Unit.OUTPUT_VIDEO_MS, nanoUsd: 1_000n }] };

/** What says that nothing was begun. A channel that says it rests for a while, so each has its own. */
const refusals = ["sim-status-429", "sim-status-503", "sim-insufficient-quota"];

let simulator: Simulator;
let provider: TestProvider;

beforeAll(async () => {
  simulator = await createSimulator({});
  const baseUrl = `${simulator.url}/v1`;
  provider = await startTestProvider({
    one: { adapter: "openai", baseUrl },
    two: { adapter: "openai", baseUrl },
    several: { adapter: "openai", baseUrl, credentials: ["key-of-a", "key-of-b", "key-of-c"] },
    ...Object.fromEntries(refusals.map((model) => [`of ${model}`, { adapter: "openai", baseUrl }])),
    away: { adapter: "openai", baseUrl: "http://127.0.0.1:1/v1" },
  });
});

beforeEach(() => simulator.clear());

afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

interface Step {
  readonly action: JobAction;
  readonly body?: object;
  readonly job?: { readonly vendorJobId: string; readonly locator?: string | undefined };
  readonly variant?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly candidates: readonly (readonly [channel: string, model: string])[];
}

async function step({ action, body, job, variant = "", headers = {}, candidates }: Step, of = provider) {
  const stream = of.client.invoke.open(
    {
      dialect: "openai.videos",
      module: Module.VIDEO,
      model: "asked-for",
      candidates: candidates.map(([channel, upstreamModel]) =>
        create(CandidateSchema, { channel, platform: channel, upstreamModel, pricing: bySecond }),
      ),
      body: body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body)),
      headers: { ...headers },
      storeResponse: StoreResponse.NONE,
      job: { action, vendorJobId: job?.vendorJobId ?? "", locator: job?.locator ?? "", variant },
    },
    { requestId: provider.nextId(), timeoutMs: 20_000 },
  );
  const parts: Uint8Array[] = [];
  let head: Head | undefined;
  for await (const frame of stream) {
    head ??= frame.head;
    parts.push(frame.data);
  }
  const outcome = await stream.outcome;
  const error = outcome.error === undefined ? undefined : fromWireError(outcome.error);
  return { bytes: Buffer.concat(parts), frames: parts.length, head, outcome, error };
}

const asked = { model: "asked-for", prompt: "a river at dawn" };

async function start(model: string, more: object = {}, channels: readonly string[] = ["one"], of = provider) {
  const candidates = channels.map((channel) => [channel, model] as const);
  const answer = await step({ action: JobAction.START, body: { ...asked, ...more }, candidates }, of);
  const report = answer.error === undefined ? readJobReport(answer.bytes) : undefined;
  return { ...answer, report };
}

async function begun(model: string, more: object = {}, channel = "one", of = provider): Promise<JobReport> {
  const { report, error } = await start(model, more, [channel], of);
  if (report === undefined) throw error ?? new Error("it did not begin");
  return report;
}

async function poll(job: JobReport, channel = "one", of = provider) {
  const answer = await step({ action: JobAction.POLL, job, candidates: [[channel, "any"]] }, of);
  return { ...answer, report: answer.error === undefined ? readJobReport(answer.bytes) : undefined };
}

/** Polls until the state is none of a job that goes on. */
async function ended(job: JobReport) {
  for (;;) {
    const polled = await poll(job);
    const { state } = polled.report ?? {};
    if (state !== "queueing" && state !== "processing" && state !== "unknown") return polled;
  }
}

const quick = "sim-job-queue-0+job-run-0";
const content = (job: JobReport, variant = "video", headers = {}) =>
  step({ action: JobAction.CONTENT, job, variant, headers, candidates: [["one", "any"]] });

describe("a job", () => {
  test("begins with one frame that reports it, and tells what it will consume", async () => {
    const { frames, head, report, outcome } = await start("sim-job-queue-60000", { seconds: "8", size: "1280x720" });
    expect(frames).toBe(1);
    expect(head?.contentType).toBe("application/json");
    const [job] = simulator.jobs.slice(-1);
    expect(report).toMatchObject({ vendorJobId: job?.id, state: "queueing", word: "queued", seconds: 8 });
    expect(outcome.usage).toMatchObject({
      more: [{ unit: Unit.OUTPUT_VIDEO_MS, amount: 8_000n }],
      traits: { size: "1280x720", resolution: "720p" },
      estimated: true,
    });
    expect(outcome.attempts).toHaveLength(1);
    const [request] = simulator.requests;
    expect(JSON.parse(request?.body.toString() ?? "")).toEqual({
      ...{ prompt: asked.prompt, seconds: "8", size: "1280x720", model: "sim-job-queue-60000" },
    });
  });

  test("is what the vendor makes of a request that leaves all open", async () => {
    const { outcome } = await start(quick);
    expect(outcome.usage?.more).toMatchObject([{ unit: Unit.OUTPUT_VIDEO_MS, amount: 4_000n }]);
    expect(outcome.usage?.traits).toEqual({ size: "720x1280", resolution: "720p" });
  });

  test("takes a picture as the file of a form, byte by byte", async () => {
    const url = `data:image/png;base64,${picture.toString("base64")}`;
    await start(quick, { input_reference: { image_url: url }, metadata: { a: 1 } });
    expect(simulator.requests[0]?.headers["content-type"]).toMatch(/^multipart\/form-data/);
    expect(simulator.jobs.at(-1)).toMatchObject({ reference: sha256(picture), prompt: asked.prompt });
  });

  test("runs, ends, and consumed what the vendor says", async () => {
    const job = await begun("sim-job-queue-1+job-run-30", { seconds: "12", size: "1024x1792" });
    const { report, outcome } = await ended(job);
    expect(report).toMatchObject({ state: "succeeded", progressPercent: 100, seconds: 12, size: "1024x1792" });
    expect(report?.expiresUnixMs).toBeGreaterThan(Date.now());
    expect(outcome.usage).toMatchObject({
      more: [{ unit: Unit.OUTPUT_VIDEO_MS, amount: 12_000n }],
      traits: { size: "1024x1792", resolution: "1024p" },
      estimated: false,
    });
  });

  test.each([
    ["sim-job-queue-0+job-run-0+job-fail", "upstream_error"],
    ["sim-job-queue-0+job-run-0+job-fail-filtered", "content_filtered"],
    ["sim-job-queue-0+job-run-0+job-forgets", "expired"],
  ])("that ends as %s failed as %s, and consumed nothing", async (model, code) => {
    const { report, outcome } = await ended(await begun(model));
    expect(report).toMatchObject({ state: "failed", failure: { code, message: expect.stringMatching(/\w/) } });
    expect(outcome.usage?.more).toEqual([]);
  });

  test("in a state that nobody knows is neither a success nor a failure", async () => {
    const { report } = await poll(await begun("sim-job-queue-0+job-unknown-word+job-stuck"));
    expect(report).toMatchObject({ state: "unknown", word: "pondering" });
  });

  test("says nothing of its fate where a poll is refused", async () => {
    const job = await begun("sim-job-queue-0+job-stuck+job-poll-429");
    const refused = await poll(job);
    expect(refused.error?.code).toBe("upstream_overloaded");
    expect((await poll(job)).report?.state).toBe("processing");
  });
});

describe("a start", () => {
  test("whose answer is lost is not sent again, and no other channel begins it", async () => {
    const { error, outcome } = await start("sim-job-create-lost", {}, ["one", "two"]);
    expect(error?.code).toBe("upstream_outcome_unknown");
    expect(outcome.attempts).toHaveLength(1);
    expect(simulator.requests.map(({ path }) => path)).toEqual(["/v1/videos"]);
  });

  test.each(["sim-empty-body", "sim-malformed-chunk", "sim-status-500", "sim-status-504"])(
    "whose answer is %s may run, and nobody begins it again",
    async (model) => {
      const { error, outcome } = await start(model, {}, ["one", "two"]);
      expect(["upstream_outcome_unknown", "upstream_error", "upstream_timeout"]).toContain(error?.code);
      expect(outcome.attempts).toHaveLength(1);
      expect(simulator.requests).toHaveLength(1);
    },
  );

  test.each(refusals)("that is refused with %s is tried by the next channel", async (model) => {
    const answer = await step({
      action: JobAction.START,
      body: asked,
      candidates: [
        [`of ${model}`, model],
        ["two", quick],
      ],
    });
    expect(answer.error).toBeUndefined();
    expect(answer.outcome.attempts.map(({ channel }) => channel)).toEqual([`of ${model}`, "two"]);
    expect(answer.head?.channel).toBe("two");
  });

  test("that could not be written is tried by the next channel", async () => {
    const { error, outcome } = await start(quick, {}, ["away", "two"]);
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel }) => channel)).toEqual(["away", "two"]);
  });

  test("that the rules on content do not allow is the client's to change", async () => {
    const { error, outcome } = await start("sim-job-create-refused", {}, ["one", "two"]);
    expect(error?.httpStatus).toBe(400);
    expect(outcome.attempts).toHaveLength(1);
  });
});

describe("a step of a job", () => {
  test("is taken with the credential that began it", async () => {
    const jobs = await Promise.all(Array.from({ length: 3 }, () => begun(quick, {}, "several")));
    const keys = new Map(
      simulator.requests.map(({ headers }) => [headers["x-request-id"] ?? "", headers.authorization ?? ""]),
    );
    expect(new Set(keys.values()).size).toBe(3);
    simulator.clear();
    const used = new Set<string>();
    for (const job of jobs) {
      for (let times = 0; times < 3; times++) await poll(job, "several");
      const keysOfJob = new Set(simulator.requests.map(({ headers }) => headers.authorization));
      expect(keysOfJob.size).toBe(1);
      for (const key of keysOfJob) used.add(key ?? "");
      simulator.clear();
    }
    expect(used.size).toBe(3);
  });

  test("gives it up where it runs, and leaves alone what has ended", async () => {
    const cancel = (job: JobReport) => step({ action: JobAction.CANCEL, job, candidates: [["one", "any"]] });
    const running = await begun("sim-job-queue-60000");
    expect(readJobReport((await cancel(running)).bytes)).toMatchObject({
      state: "failed",
      failure: { code: "cancelled" },
    });
    const done = await begun(quick);
    expect(readJobReport((await cancel(done)).bytes).state).toBe("succeeded");
    expect(simulator.jobs.some(({ id }) => id === done.vendorJobId)).toBe(true);
  });
});

describe("a job whose channel was removed", () => {
  const gone = { adapter: "openai", baseUrl: "", credential: "key-of-the-removed" };
  const withProvider = async (options: TestProviderOptions, run: (of: TestProvider) => Promise<void>) => {
    const other = await startTestProvider({ gone: { ...gone, baseUrl: `${simulator.url}/v1` } }, options);
    await run(other).finally(() => other[Symbol.asyncDispose]());
  };

  test("is asked after, and gives its result, by what was noted of it; where that is gone too, this is said", async () => {
    let job: JobReport | undefined;
    await withProvider({}, async (before) => {
      job = await begun(quick, {}, "gone", before);
      expect(job.locator).not.toContain("key-of-the-removed");
    });
    if (job === undefined) throw new Error("it did not begin");
    const began = job;
    simulator.clear();
    await withProvider({ removed: ["gone"] }, async (now) => {
      const polled = await poll(began, "gone", now);
      expect(polled.report).toMatchObject({ state: "succeeded", vendorJobId: began.vendorJobId });
      // The notes go on with each report.
      expect(polled.report?.locator).toContain('\\"adapter\\":\\"openai\\"');
      const { bytes, error } = await step(
        { action: JobAction.CONTENT, job: polled.report ?? began, variant: "video", candidates: [["gone", "any"]] },
        now,
      );
      expect(error).toBeUndefined();
      expect(sha256(bytes)).toBe(sha256(wholeResultOf(began.vendorJobId, "video")));
    });
    expect(new Set(simulator.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer key-of-the-removed"]),
    );
    // New work is not begun there.
    await withProvider({ removed: ["gone"] }, async (now) => {
      const body = { ...asked, prompt: "by day" };
      const { error } = await step({ action: JobAction.START, body, job: began, candidates: [["gone", "any"]] }, now);
      expect(error).toMatchObject({ code: "invalid_value", param: "id" });
    });
    const lost = await poll(began, "gone");
    expect([lost.error?.code, lost.outcome.jobLost, lost.outcome.attempts]).toEqual(["service_unavailable", true, []]);
  });
});

describe("a result", () => {
  test.each(["video", "thumbnail"])("comes as it is: the %s", async (variant) => {
    const job = await begun(quick);
    const { bytes, head, error } = await content(job, variant);
    expect(error).toBeUndefined();
    const whole = wholeResultOf(job.vendorJobId, variant);
    expect(sha256(bytes)).toBe(sha256(whole));
    expect(head).toMatchObject({
      contentType: variant === "video" ? "video/mp4" : "image/webp",
      contentLength: BigInt(whole.length),
      httpStatus: 0,
      contentRange: "",
    });
  });

  test("comes in the part that was asked for", async () => {
    const job = await begun(quick);
    const whole = wholeResultOf(job.vendorJobId, "video");
    const { bytes, head } = await content(job, "video", { range: "bytes=20000-69999" });
    expect(sha256(bytes)).toBe(sha256(whole.subarray(20_000, 70_000)));
    expect(head).toMatchObject({
      httpStatus: 206,
      contentLength: 50_000n,
      contentRange: `bytes 20000-69999/${whole.length}`,
    });
    const outside = await content(job, "video", { range: `bytes=${whole.length}-` });
    expect(outside.error).toMatchObject({ code: "invalid_value", httpStatus: 416, param: "Range" });
  });

  test("that is no longer there is not found", async () => {
    const { error } = await content(await begun(`${quick}+job-forgets`));
    expect(error?.code).toBe("not_found");
  });
});
