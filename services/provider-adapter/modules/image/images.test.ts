import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CandidateSchema, Module } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { Unit } from "../../../../shared/units.ts";
import { parseForm, type SimulatedForm } from "../../../simulator/formats/audio.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import {
  type Asking,
  askImages,
  editors,
  failing,
  given,
  isPng,
  names,
  parsed,
  png,
  prompt,
  sha256,
  upstreams,
} from "../../testing-images.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";

/* Every upstream that makes images, in every form that a client may want, and every way in which it may fail. */

let simulator: Simulator;
let provider: TestProvider;
/** Without leave to fetch from this machine, as everywhere but in tests. */
let guarded: TestProvider;
/** Answers with an address of its own, at which nothing ever comes. */
let silent: Server;
const silentPaths: string[] = [];

beforeAll(async () => {
  simulator = await createSimulator({});
  silent = createServer((request, response) => {
    if (request.method === "GET") return;
    silentPaths.push(request.url ?? "");
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ data: [{ url: `http://${request.headers.host}/never.png` }] }));
  });
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const silentUrl = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const channels = Object.fromEntries(
    Object.entries(upstreams).flatMap(([name, { adapter, path, flavour = {} }]) => {
      const channel = { adapter, flavour, baseUrl: `${simulator.url}${path}` };
      // One that fails often is left out while another is left.
      return [
        [name, channel],
        [failing(name), channel],
      ];
    }),
  );
  const azure = { adapter: "openai", flavour: { vendor: "azure" }, baseUrl: silentUrl };
  const local = {
    adapter: "openai",
    flavour: { modules: { image: { path: "/{task}?of={model}" } } },
    baseUrl: `${silentUrl}/own`,
  };
  provider = await startTestProvider({ ...channels, azure, local }, { imageAccess: { allow: ["127.0.0.1"] } });
  guarded = await startTestProvider(channels);
});
beforeEach(() => {
  simulator.clear();
  silentPaths.length = 0;
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await guarded[Symbol.asyncDispose]();
  await simulator.close();
  silent.closeAllConnections();
  silent.close();
});

const ask = ({ by = provider, ...asking }: Asking & { readonly by?: TestProvider }) => askImages(by, asking);
/** What the simulator was asked by the provider, but for the images that it fetched. */
const asked = () => simulator.requests.filter(({ method }) => method === "POST");
const lastBody = () => JSON.parse(asked().at(-1)?.body.toString() || "{}") as Record<string, unknown>;

describe.each(names)("%s", (name) => {
  const upstream = upstreams[name] ?? { adapter: "", path: "", gives: "url", n: 0, edits: 0, counts: false };

  test("gives what it gives where the client does not say", async () => {
    const { text, error, outcome } = await ask({ channel: name });
    expect(error).toBeUndefined();
    const [image] = parsed(text).data;
    expect(Object.keys(image ?? {})).toContain(upstream.gives);
    expect(outcome.usage).toMatchObject({ images: 1n, estimated: false });
  });

  test("data is data, fetched where the upstream gives addresses, and no byte of it is kept", async () => {
    const { text, error, outcome } = await ask({ channel: name, fields: { response_format: "b64_json" } });
    expect(error).toBeUndefined();
    expect(parsed(text).data.map(({ b64_json }) => isPng(b64_json))).toEqual([true]);
    const kept = Buffer.from(outcome.response).toString();
    expect(kept).toMatch(/\[image\/png, 2\d{3} bytes, sha256:[0-9a-f]{64}\]/);
    expect(kept).not.toContain("iVBOR");
    const bytes = Buffer.from(parsed(text).data[0]?.b64_json ?? "", "base64");
    expect(kept).toContain(sha256(bytes));
  });

  test("an address is an address, of the upstream or with the data in it", async () => {
    const { text, error, outcome } = await ask({
      channel: name,
      model: "gpt-image-2",
      fields: { response_format: "url" },
    });
    expect(error).toBeUndefined();
    const url = parsed(text).data[0]?.url ?? "";
    expect(await (await fetch(url)).bytes()).toHaveProperty("length", expect.any(Number));
    expect(Buffer.from(outcome.response).toString()).not.toContain("iVBOR");
    if (url.startsWith("data:")) expect(outcome.notes.join()).toContain("data URLs");
  });

  test("as many as were asked for, or a refusal by the field", async () => {
    const { text, error, outcome } = await ask({ channel: name, fields: { n: 3 } });
    if (upstream.n === 1) return expect(error).toMatchObject({ code: "invalid_value", param: "n" });
    expect(parsed(text).data).toHaveLength(3);
    expect(outcome.usage?.images).toBe(3n);
  });

  test("one is asked for where the client does not say how many: nothing else was reserved", async () => {
    const { text } = await ask({ channel: name });
    expect(parsed(text).data).toHaveLength(1);
  });

  test("a stream ends with the whole image and, where there is one, the usage", async () => {
    const { text, error, outcome } = await ask({ channel: name, fields: { stream: true } });
    expect(error).toBeUndefined();
    const [event, data] = text.trimEnd().split("\n").slice(-2);
    expect(event).toBe("event: image_generation.completed");
    const last = JSON.parse(data?.slice(6) ?? "{}") as { type: string; b64_json: string; usage?: object };
    expect(last.type).toBe("image_generation.completed");
    expect(isPng(last.b64_json)).toBe(true);
    expect(last.usage !== undefined).toBe(upstream.counts);
    expect(outcome.usage).toMatchObject({ images: 1n });
    expect(Buffer.from(outcome.response).toString()).toContain("[image/png, ");
  });

  test("an edit brings its images, or is refused by the field", async () => {
    const { text, error } = await ask({ channel: name, images: given, fields: { seed: 7 } });
    if (upstream.edits === 0) return expect(error).toMatchObject({ code: "invalid_value", param: "image" });
    expect(error).toBeUndefined();
    expect(parsed(text).data).toHaveLength(1);
    const sent = asked().at(-1)?.body ?? Buffer.alloc(0);
    expect(Number(asked().at(-1)?.headers["content-length"])).toBe(sent.length);
    if (name !== "openai") {
      for (const image of given) expect(sent.includes(image.toString("base64"))).toBe(true);
      return;
    }
    const { form } = parseForm(sent, asked().at(-1)?.headers["content-type"] ?? "") as unknown as {
      form: SimulatedForm;
    };
    expect(form.parts.map((part) => [part.name, part.type, sha256(part.bytes)])).toEqual(
      given.map((image) => ["image[]", "image/png", sha256(image)]),
    );
    expect(form.texts.get("model")).toEqual(["good"]);
  });

  test.each([
    ["sim-error-in-200", "upstream_error"],
    ["sim-empty", "upstream_error"],
    ["sim-empty-body", "upstream_error"],
    ["sim-malformed-chunk", "upstream_error"],
    ["sim-drop-headers", "upstream_error"],
    ["sim-drop-stream", "upstream_error"],
    ["sim-status-500", "upstream_error"],
    ["sim-status-401", "upstream_error"],
  ])("%s is an upstream's error, and the next channel is asked", async (model, code) => {
    const alone = await ask({ channel: failing(name), model });
    expect(alone.error).toMatchObject({ code });
    expect(alone.text).toBe("");
    const { error, text } = await ask({ channel: failing(name), model, next: name === "openai" ? "gemini" : "openai" });
    expect(error).toBeUndefined();
    expect(parsed(text).data).toHaveLength(1);
  });

  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-503", "upstream_overloaded"],
    ["sim-content-filter", "invalid_value"],
  ])("%s is %s", async (model, code) => {
    expect((await ask({ channel: failing(name), model })).error).toMatchObject({ code });
  });

  test("an error inside a 200 keeps the vendor's words", async () => {
    const { error } = await ask({ channel: failing(name), model: "sim-error-in-200" });
    expect(error?.message).toContain("Simulated: The server had an error");
  });

  test("a refusal for the content is final: no other channel is asked", async () => {
    const { outcome } = await ask({
      channel: name,
      model: "sim-content-filter",
      next: name === "openai" ? "gemini" : "openai",
    });
    expect(outcome.attempts).toHaveLength(1);
  });

  test("usage that is missing is estimated only where tokens cost something", async () => {
    const byImage = await ask({ channel: name, model: "sim-no-usage" });
    expect(byImage.outcome.usage).toMatchObject({ images: 1n, inputTokens: 0n, more: [], estimated: false });
    const prices = { rates: [{ unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 30_000_000_000n }] };
    const byToken = await ask({ channel: name, model: "sim-no-usage", prices });
    expect(byToken.outcome.usage).toMatchObject({ images: 1n, estimated: true });
  });

  test("what it does not know is noted or passes, never lost in silence", async () => {
    const { outcome, error } = await ask({ channel: name, fields: { nonsense: 1 } });
    expect(error).toBeUndefined();
    const passes = lastBody().nonsense === 1;
    expect(passes || outcome.notes.some((note) => note.startsWith("nonsense dropped"))).toBe(true);
  });
});

describe.each(editors)("an edit by %s", (name) => {
  test("with more images than it takes is refused by the field", async () => {
    const most = upstreams[name]?.edits ?? 0;
    if (most === 16) return;
    const { error } = await ask({ channel: name, images: Array.from({ length: most + 1 }, () => png("x")) });
    expect(error).toMatchObject({ code: "invalid_value", param: "image" });
  });

  test("with a mask is one, or refused by the field", async () => {
    const { error } = await ask({ channel: name, images: [png("x")], mask: png("mask") });
    if (name === "openai") expect(error).toBeUndefined();
    else expect(error).toMatchObject({ code: "invalid_value", param: "mask" });
  });

  test("a second candidate gets the same bytes", async () => {
    const { error } = await ask({ channel: failing(name), model: "sim-status-503", next: "openai", images: given });
    expect(error).toBeUndefined();
    const last = asked().at(-1);
    const { form } = parseForm(last?.body ?? Buffer.alloc(0), last?.headers["content-type"] ?? "") as unknown as {
      form: SimulatedForm;
    };
    expect(form.parts.map(({ bytes }) => sha256(bytes))).toEqual(given.map(sha256));
  });
});

describe("what is fetched for a client", () => {
  const fields = { response_format: "b64_json" };

  test.each(["dashscope", "siliconflow"])(
    "%s names an address of this network: it is refused, and nothing is charged",
    async (channel) => {
      const { error, outcome, text } = await ask({ channel, fields, by: guarded });
      expect(error).toMatchObject({ code: "upstream_error", message: expect.stringContaining("could not be fetched") });
      expect(error?.message).not.toContain("127.0.0.1");
      expect([text, outcome.firstByte]).toEqual(["", false]);
    },
  );

  test("an OpenAI-like server that gives addresses all the same", async () => {
    const { text } = await ask({ channel: "openai", model: "sim-addresses", fields: { ...fields, n: 2 } });
    expect(parsed(text).data.map(({ b64_json }) => isPng(b64_json))).toEqual([true, true]);
  });

  test("a client that leaves while it is fetched ends it", async () => {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const onRequest = ({ method, socket }: IncomingMessage) => {
      if (method !== "GET") return;
      socket.once("close", resolve);
      void stream.cancel();
    };
    silent.on("request", onRequest);
    const stream = provider.client.invoke.open(
      {
        dialect: "openai.images",
        module: Module.IMAGE,
        candidates: [create(CandidateSchema, { channel: "local", upstreamModel: "m" })],
        body: Buffer.from(JSON.stringify({ model: "m", prompt, ...fields })),
      },
      { requestId: provider.nextId(), timeoutMs: 20_000 },
    );
    await left;
    silent.off("request", onRequest);
    expect((await stream.outcome).cancelled).toBe(true);
  });
});

describe("what is sent", () => {
  test("to OpenAI: the client's bytes but for the model, and what its models refuse", async () => {
    const fields = { n: 2, size: "auto", response_format: "b64_json", later: { a: 1 } };
    await ask({ channel: "openai", model: "gpt-image-2", fields });
    expect(lastBody()).toEqual({ model: "gpt-image-2", prompt, n: 2, size: "auto", later: { a: 1 } });
    await ask({ channel: "openai", model: "other", fields });
    expect(lastBody()).toMatchObject({ response_format: "b64_json" });
  });

  test("to Azure: the deployment's path for either", async () => {
    await ask({ channel: "azure" });
    await ask({ channel: "azure", images: given });
    const paths = ["generations", "edits"].map(
      (task) => `/openai/deployments/good/images/${task}?api-version=2024-10-21`,
    );
    expect(silentPaths).toEqual(paths);
  });

  test("to a server whose channel names the place", async () => {
    await ask({ channel: "local", model: "a b" });
    expect(silentPaths).toEqual(["/own/generations?of=a%20b"]);
  });

  test("to Gemini: the nearest shape, and images as parts before the prompt", async () => {
    const fields = { size: "1536x1024", quality: "high" };
    const { outcome } = await ask({ channel: "gemini", model: "gemini-3-pro-image", images: [png("x")], fields });
    const body = lastBody() as { contents: { parts: Record<string, unknown>[] }[]; generationConfig: object };
    expect(body.contents[0]?.parts.map((part) => Object.keys(part))).toEqual([["inlineData"], ["text"]]);
    expect(body.generationConfig).toEqual({
      responseModalities: ["IMAGE"],
      imageConfig: { aspectRatio: "3:2", imageSize: "1K" },
    });
    expect(outcome.notes).toEqual([
      "quality dropped: the upstream's format has no such field",
      "size 1536x1024 became 3:2 at 1K",
    ]);
    await ask({ channel: "gemini", model: "gemini-2.5-flash-image", fields: { size: "3840x2160" } });
    expect((lastBody() as { generationConfig: object }).generationConfig).toMatchObject({
      imageConfig: { aspectRatio: "16:9" },
    });
  });

  test("to DashScope: its own format, its own spelling of a size, always a number of images", async () => {
    await ask({ channel: "dashscope", fields: { size: "1024x768", watermark: false, style: "vivid" } });
    expect(lastBody()).toEqual({
      model: "good",
      input: { messages: [{ role: "user", content: [{ text: prompt }] }] },
      parameters: { watermark: false, n: 1, size: "1024*768" },
    });
  });

  test("to Seedream: several images by its own fields, within what was reserved", async () => {
    const fields = { n: 2, sequential_image_generation_options: { max_images: 15 }, size: "2048x2048" };
    const { outcome } = await ask({ channel: "volcengine", fields });
    expect(lastBody()).toMatchObject({
      size: "2048x2048",
      sequential_image_generation: "auto",
      sequential_image_generation_options: { max_images: 2 },
    });
    expect(outcome.notes).toEqual([
      "sequential_image_generation_options dropped: the upstream's format has no such field",
    ]);
  });

  test("to Zhipu, SiliconFlow, MiniMax and OpenRouter: their own names", async () => {
    const fields = { size: "1024x768", quality: "high" };
    await ask({ channel: "zhipu", fields });
    expect(lastBody()).toEqual({ model: "good", prompt, size: "1024x768", quality: "hd" });
    await ask({ channel: "siliconflow", fields: { ...fields, n: 2, seed: 3 } });
    expect(lastBody()).toEqual({ model: "good", prompt, image_size: "1024x768", batch_size: 2, seed: 3 });
    await ask({ channel: "minimax", fields: { ...fields, response_format: "b64_json" } });
    expect(lastBody()).toEqual({ model: "good", prompt, n: 1, width: 1024, height: 768, response_format: "base64" });
    await ask({ channel: "openrouter", images: [png("x")], fields: { ...fields, models: "x" } });
    expect(lastBody()).toMatchObject({
      ...{ model: "good", prompt, n: 1, size: "1024x768", quality: "high" },
      input_references: [
        { type: "image_url", image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBOR/) } },
      ],
    });
    expect(lastBody()).not.toHaveProperty("models");
  });
});

test("a stream has the partial images that come, as many as they are", async () => {
  const { text } = await ask({
    channel: "openai",
    model: "sim-partials-1",
    fields: { stream: true, partial_images: 3 },
  });
  expect(text.match(/^event: .*$/gm)).toEqual([
    "event: image_generation.partial_image",
    "event: image_generation.completed",
  ]);
});

test("a stream that breaks off after a partial image costs one image", async () => {
  const fields = { stream: true, partial_images: 3 };
  const { error, outcome } = await ask({ channel: "openai", model: "sim-drop-stream", fields });
  expect(error).toMatchObject({ code: "upstream_error" });
  expect(outcome).toMatchObject({ firstByte: true, usage: { images: 1n } });
});

test("several images of a stream are each counted", async () => {
  const prices = { rates: [{ unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 1n }] };
  const { text, outcome } = await ask({ channel: "openai", fields: { stream: true, n: 2, quality: "low" }, prices });
  expect(text.match(/^event: image_generation.completed$/gm)).toHaveLength(2);
  expect(outcome.usage).toMatchObject({ images: 2n, more: [{ unit: Unit.OUTPUT_IMAGE_TOKENS, amount: 544n }] });
});

test("OpenRouter's cost is a quantity of its own", async () => {
  const { outcome } = await ask({ channel: "openrouter", model: "sim-cost-1500" });
  expect(outcome.usage?.more).toContainEqual(expect.objectContaining({ unit: Unit.VENDOR_NANO_USD, amount: 1_500n }));
});
