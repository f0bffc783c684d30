import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJobReport, readJobReports } from "../../../shared/job-report.ts";
import type { Asked, AskedStep, Exchange, UpstreamAnswer, UpstreamMessage } from "../domain/exchange.ts";
import { adapters } from "./registry.ts";
import { failed, ms, picture, request, type Vendor } from "./testing-video-vendor.ts";
import { vendors } from "./testing-video-vendors.ts";

const noMoments = { sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 };

type Asking = Pick<Vendor, "adapter" | "flavour" | "model"> & { readonly dialect?: string };

function exchangeOf(
  { adapter, flavour, model, dialect }: Asking,
  job: Partial<AskedStep>,
  body: object = {},
): Exchange {
  const make = adapters[adapter]?.open(JSON.stringify(flavour ?? {})).exchanges[dialect ?? "openai.videos"];
  if (make === undefined) throw new Error("the vendor has no such module");
  const asked: Asked = {
    ...{ requestId: 1n, model: "m", upstreamModel: model, control: "", stream: false, includeUsage: false },
    ...{ body: Buffer.from(JSON.stringify(body)), headers: { range: "bytes=0-9" }, createdUnixS: 0 },
    keepResponse: false,
    job: {
      action: "poll",
      vendorJobId: "",
      locator: "",
      variant: "video",
      callbackUrl: "",
      credential: "mark",
      channel: "",
      others: [],
      ...job,
    },
  };
  return make(asked);
}

const answerOf = (body: object, status = 200): UpstreamAnswer => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
});

const bodyOf = ({ body }: UpstreamMessage) => JSON.parse(Buffer.from(body).toString()) as unknown;
const pathOf = ({ method = "POST", path }: UpstreamMessage) => [method, path];

/** The report that an answer comes to, and its usage. */
function reported(exchange: Exchange, body: object, status = 200) {
  const answer = answerOf(body, status);
  expect(exchange.accepts?.(status) ?? status === 200).toBe(true);
  expect(exchange.refusal?.(answer.body, status)).toBeUndefined();
  expect(exchange.next?.(answer)).toBeUndefined();
  const whole = exchange.whole(answer.body, noMoments, undefined, status);
  return { report: readJobReport(whole.body), usage: whole.usage };
}

function locatorOf(vendor: Vendor): string {
  const { report } = reported(exchangeOf(vendor, { action: "start" }, request), vendor.started.answer);
  return report.locator ?? "";
}

describe.each(Object.entries(vendors))("%s", (_name, vendor) => {
  const job = () => ({ vendorJobId: vendor.started.id, locator: locatorOf(vendor) });

  test("is asked to begin a job once, in its own words", () => {
    const { message, accepts } = exchangeOf(vendor, { action: "start" }, request);
    expect(message).toMatchObject({ path: vendor.start.path, once: true, headers: vendor.start.headers ?? {} });
    expect(bodyOf(message)).toMatchObject(vendor.start.body);
    expect([200, 201, 202].every((status) => accepts?.(status))).toBe(true);
    const pictured = exchangeOf(vendor, { action: "start" }, { ...request, input_reference: { image_url: picture } });
    if (vendor.start.pictured !== undefined) {
      expect(bodyOf(pictured.message)).toMatchObject(vendor.start.pictured);
      return;
    }
    expect(pictured.message.contentType).toMatch(/^multipart/);
  });

  test("names the job that it began, and its usage is estimated", () => {
    const { report, usage } = reported(exchangeOf(vendor, { action: "start" }, request), vendor.started.answer);
    expect(report.vendorJobId).toBe(vendor.started.id);
    expect(["queueing", "processing"]).toContain(report.state);
    expect(JSON.parse(report.locator ?? "")).toEqual({ credential: "mark", place: vendor.started.place ?? "" });
    expect(usage).toMatchObject({ estimated: true, more: expect.arrayContaining([ms(8)]) });
  });

  test.each([[{}], [{ id: "" }], [{ something: "else" }]])("that answers %j may have begun one", (body) => {
    const exchange = exchangeOf(vendor, { action: "start" }, request);
    const { body: bytes } = answerOf(body);
    expect(() => exchange.whole(bytes, noMoments)).toThrow(
      expect.objectContaining({ code: "upstream_outcome_unknown" }),
    );
    expect(() => exchange.whole(Buffer.from("<html>"), noMoments)).toThrow(
      expect.objectContaining({ code: "upstream_outcome_unknown" }),
    );
  });

  test.each(vendor.refused ?? [])("refuses with %j: %s, another channel: %s", (body, code, failover) => {
    const { refusal } = exchangeOf(vendor, { action: "start" }, request);
    expect(refusal?.(answerOf(body).body, 200)).toMatchObject({ error: { code }, failover });
  });

  test.each(vendor.polls.map(([body, report, usage = {}]) => ({ body, report, usage })))(
    "says $body",
    ({ body, report, usage }) => {
      const exchange = exchangeOf(vendor, { action: "poll", ...job() });
      expect(pathOf(exchange.message)).toEqual(vendor.poll);
      const told = reported(exchange, body);
      expect(told.report).toMatchObject({ vendorJobId: vendor.started.id, ...report });
      expect(told.usage).toMatchObject({ estimated: false, ...usage });
      if (told.report.state !== "succeeded") expect(told.usage.more).toBeUndefined();
    },
  );

  test("knows a job no longer: it has expired, where it says so itself", () => {
    const exchange = exchangeOf(vendor, { action: "poll", ...job() });
    expect(reported(exchange, { error: { message: "not found" } }, 404).report).toMatchObject(failed("expired"));
    expect(() => exchange.whole(Buffer.from("<html>"), noMoments, undefined, 404)).toThrow(
      expect.objectContaining({ code: "upstream_error" }),
    );
    expect([401, 429, 500, 503].some((status) => exchange.accepts?.(status))).toBe(false);
  });

  test("gives up what runs, if it can, and only that", () => {
    const exchange = exchangeOf(vendor, { action: "cancel", ...job() });
    expect(pathOf(exchange.message)).toEqual(vendor.poll);
    const [running] = vendor.polls.find(([, { state }]) => state === "queueing" || state === "processing") ?? [];
    if (running !== undefined && vendor.cancel === undefined) {
      expect(() => exchange.next?.(answerOf(running))).toThrow(expect.objectContaining({ code: "not_implemented" }));
    } else if (running !== undefined) {
      const asked = exchange.next?.(answerOf(running));
      expect(asked && pathOf(asked.message)).toEqual(vendor.cancel);
      expect(asked && reported(asked, {}, 202).report).toMatchObject(failed("cancelled"));
    }
    const [done] = vendor.polls.find(([, { state }]) => state === "succeeded") ?? [];
    if (done !== undefined) expect(reported(exchange, done).report.state).toBe("succeeded");
  });

  test("goes on from an earlier video, if it can, and else says so", () => {
    const remix = () => exchangeOf(vendor, { action: "start", ...job() }, { model: "m", prompt: "by day" }).message;
    if (vendor.remix !== undefined) expect(pathOf(remix())).toEqual(vendor.remix);
    else expect(remix).toThrow(expect.objectContaining({ code: "invalid_value", param: "id" }));
  });

  test("gives its result", () => {
    let exchange: Exchange | undefined = exchangeOf(vendor, { action: "content", ...job() });
    if (vendor.result === undefined) {
      expect(pathOf(exchange.message)).toEqual(vendor.content);
      expect(exchange.message.headers).toMatchObject({ range: "bytes=0-9" });
      expect(exchange.bytes).toBeDefined();
      return;
    }
    for (const body of vendor.result.answers) exchange = exchange?.next?.(answerOf(body));
    expect(exchange?.message).toMatchObject({ url: vendor.result.url, headers: { range: "bytes=0-9" } });
    expect(exchange?.bytes).toBeDefined();
  });
});

test("Seedance is asked after many jobs by one call, which says how far those are that it names", () => {
  const vendor = vendors.seedance;
  if (vendor === undefined) throw new Error("it is not in the table");
  const locator = locatorOf(vendor);
  const others = ["cgt-2", "cgt-3"].map((vendorJobId) => ({ vendorJobId, locator }));
  const exchange = exchangeOf(vendor, { action: "poll", vendorJobId: "cgt-1", locator, others });
  const ids = ["cgt-1", "cgt-2", "cgt-3"].map((id) => `filter.task_ids=${id}`).join("&");
  expect(pathOf(exchange.message)).toEqual(["GET", `/contents/generations/tasks?page_size=50&${ids}`]);
  const items = [
    { id: "cgt-2", status: "running" },
    {
      id: "cgt-1",
      status: "succeeded",
      content: { video_url: "https://a.example/1" },
      usage: { completion_tokens: 9 },
    },
    { id: "cgt-99", status: "failed" },
    { status: "failed" },
    "nonsense",
  ];
  const whole = exchange.whole(answerOf({ items, total: 3 }).body, noMoments);
  expect(readJobReports(whole.body)).toMatchObject([
    { vendorJobId: "cgt-2", state: "processing", pollTogether: 50 },
    { vendorJobId: "cgt-1", state: "succeeded" },
  ]);
  // Only a question about one job alone tells what it consumed.
  expect(whole.usage.more).toBeUndefined();
  for (const odd of [{}, { items: "none" }, { error: { code: "x", message: "y" } }]) {
    expect(() => exchange.whole(answerOf(odd).body, noMoments)).toThrow(
      expect.objectContaining({ code: "upstream_error" }),
    );
  }
  const tooMany = Array.from({ length: 50 }, (_, n) => ({ vendorJobId: `cgt-${n + 2}`, locator }));
  expect(() => exchangeOf(vendor, { vendorJobId: "cgt-1", locator, others: tooMany })).toThrow();
  expect(() => exchangeOf(vendors.kling ?? vendor, { vendorJobId: "1", locator, others })).toThrow();
});

describe("the end of a job at fal", () => {
  const fal = vendors.fal;
  if (fal === undefined) throw new Error("it is not in the table");
  const ended = (body: object, status: number) => {
    const polled = exchangeOf(fal, { vendorJobId: "f1", locator: locatorOf(fal) });
    const exchange = polled.next?.(answerOf({ status: "COMPLETED" }));
    if (exchange === undefined) throw new Error("it asks no further");
    return { exchange, ...reported(exchange, body, status) };
  };

  test("is asked for by a call of its own", () => {
    const { exchange, report } = ended({ video: { url: "https://a.example/1", duration: 8 } }, 200);
    expect(pathOf(exchange.message)).toEqual(["GET", "/fal-ai/kling-video/requests/f1"]);
    expect(report).toMatchObject({ state: "succeeded", seconds: 8 });
  });

  test.each([
    [{ detail: [{ type: "content_policy_violation", msg: "no" }] }, 422, failed("content_filtered", "no")],
    [{ detail: "boom" }, 400, failed("upstream_error", "boom")],
    [{ images: [] }, 200, failed("upstream_error")],
  ])("%j with %d has failed", (body, status, report) => {
    expect(ended(body, status).report).toMatchObject(report);
  });
});

test("vendors that can call us are told where to, at the start alone, and never what the client names", () => {
  const callbackUrl = "https://gateway.example/callbacks/token";
  const body = { model: "m", prompt: "a river", callback_url: "https://client.example/" };
  const text = ({ path, body: sent }: UpstreamMessage) => decodeURIComponent(path) + Buffer.from(sent).toString();
  const told = Object.entries(vendors).filter(([, vendor]) => {
    const start = (url: string) => text(exchangeOf(vendor, { action: "start", callbackUrl: url }, body).message);
    expect(start("")).not.toContain("client.example");
    return start(callbackUrl).includes(callbackUrl);
  });
  expect(told.map(([name]) => name).sort()).toEqual(["fal", "kling", "openrouter", "replicate", "seedance"]);
});

describe("a model whose name would lead to another path of the upstream", () => {
  const messages = [{ role: "user", content: "x" }];
  const part = fc.constantFrom(".", "..", "a", "a.b", "...", "%2e%2e", "a?b", "#", ":", "@", "é", " ", "..%2f", ".a");
  const asks: readonly [adapter: string, flavour: object, dialect: string, body: object][] = [
    ["fal", {}, "openai.videos", request],
    ["replicate", {}, "openai.videos", request],
    ["gemini", {}, "openai.chat", { messages }],
    ["bedrock", { region: "eu-west-1" }, "openai.chat", { messages }],
    ["vertex", {}, "openai.chat", { messages }],
    ["openai", { path: "/deployments/{model}/chat/completions" }, "openai.chat", { messages }],
    ["openai", { modules: { embeddings: { path: "/{model}/embeddings" } } }, "openai.embeddings", { input: "x" }],
    [
      "openai",
      { modules: { audio: { path: "/{model}/{endpoint}" } } },
      "openai.speech",
      { input: "x", voice: "alloy" },
    ],
    ["openai", { modules: { image: { path: "/{model}/{task}" } } }, "openai.images", { prompt: "x" }],
  ];

  test.each(asks)("is refused, or a part of the path: %s %j %s", (adapter, flavour, dialect, body) => {
    const pathFor = (model: string): string | undefined => {
      try {
        return exchangeOf({ adapter, flavour, model, dialect }, { action: "start" }, body).message.path;
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_value", param: "model" });
        return undefined;
      }
    };
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const path = pathFor(parts.join("/"));
        // A server that reads the address as browsers do finds the path that was meant.
        if (path !== undefined) expect(new URL(`http://h${path}`).pathname).toBe(path.replace(/\?.*/, ""));
        else expect(parts.some((one) => one === "." || one === "..")).toBe(true);
      }),
    );
    expect(pathFor("..")).toBeUndefined();
  });
});
