import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { simulatedAccessKey } from "../../services/simulator/formats/bedrock-signature.ts";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { type Deployment, startDeployment } from "../e2e/deployment.ts";
import { dialects, type Feature, isTried, matrixTable, upstreams } from "./matrix.ts";
import { type Speaker, speakersOf } from "./speakers.ts";

/*
 * Any client, any model: the official SDKs, unchanged, against every upstream format, whole and streamed, through a
 * Throughline as a user starts it. The upstreams are the simulator and an upstream that this project did not write.
 */

const mock = new LLMock({ port: 0, chunkSize: 9 });
const example = { city: "simulated", days: 1 };
const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const tools = ["weather", "clock"].map((name) => ({ name, description: "d", parameters: schema }));
const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const greeting = "Hello 你好 👋🏽";
const houses = ["simulator", "aimock"] as const;

/** Credentials of the adapters that do not do without. */
const { accessKeyId, secretAccessKey } = simulatedAccessKey;
const clouds: Readonly<Record<string, string>> = {
  bedrock: `${accessKeyId}:${secretAccessKey}`,
  vertex: "static-access-token",
};

let folder: string;
let simulator: Simulator;
let house: Deployment;
let speakers: ReturnType<typeof speakersOf>;

beforeAll(async () => {
  mock.on({ hasToolResult: true }, { content: "The tools said it all." });
  mock.onMessage(greeting, { content: `aimock. You said: "${greeting}".` });
  mock.onMessage("please call all", {
    toolCalls: tools.map(({ name }, index) => ({ name, arguments: JSON.stringify(example), id: `call_${index}` })),
  });
  mock.onMessage("what is it", { content: "aimock sees." });
  mock.onMessage("as JSON", { content: JSON.stringify(example) });
  mock.onMessage("think first", {
    content: "Two.",
    reasoning: "aimock pretends to think.",
    reasoningSignature: "c2ln",
  });
  mock.onMessage("and now", { content: "Three." });
  const mockUrl = await mock.start();
  simulator = await createSimulator({});
  folder = await mkdtemp(join(tmpdir(), "throughline-matrix-"));
  const config = join(folder, "throughline.yaml");
  await writeFile(config, configuration(simulator.url, mockUrl));
  const keys = Object.fromEntries(Object.entries(clouds).map(([name, key]) => [`KEY_OF_${name}`, key]));
  house = await startDeployment("up", { THROUGHLINE_CONFIG: config, LOG_LEVEL: "warn", ...keys });
  speakers = speakersOf(house.url, house.key);
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await simulator?.close();
  await mock.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}, 60_000);

/** A model and a channel for each upstream format of each house; prefixes of paths as the vendors have them. */
function configuration(simulatorUrl: string, mockUrl: string): string {
  const pairs = houses.flatMap((name) =>
    upstreams.map((upstream) => ({ name: `${name}-${upstream.name}`, house: name, upstream })),
  );
  return stringify({
    strategies: [{ name: "gratis", free: true }],
    models: pairs.map(({ name }) => ({ name, owned_by: "tests", strategy: "gratis" })),
    channels: pairs.map(({ name, house: owner, upstream }) => ({
      name,
      adapter: upstream.adapter,
      base_url: (owner === "simulator" ? simulatorUrl : mockUrl) + upstream.path,
      credentials: upstream.adapter in clouds ? [{ env: `KEY_OF_${upstream.adapter}` }] : [],
      groups: "*",
      flavour: upstream.flavour,
      models: { [name]: upstream.model },
    })),
  });
}

/** The body that the simulator was sent last. */
function lastBody(): string {
  return simulator.requests.at(-1)?.body.toString() ?? "";
}

/** What each feature must come to. */
const trials: Readonly<
  Record<
    Feature,
    (
      speaker: Speaker,
      model: string,
      stream: boolean,
      owner: (typeof houses)[number],
      upstream: (typeof upstreams)[number],
    ) => Promise<void>
  >
> = {
  async text(speaker, model, stream, owner) {
    const heard = await speaker.ask({ model, prompt: greeting }, stream);
    expect(heard.text).toContain(`You said: "${greeting}"`);
    expect(heard.finish).toBe(speaker.finishes.text);
    expect(heard.id).toMatch(new RegExp(`^${speaker.idPrefix}\\d+$`));
    expect(heard.calls).toEqual([]);
    // aimock counts nothing, and says so.
    if (owner !== "simulator") return;
    expect(heard.inputTokens).toBeGreaterThan(0);
    expect(heard.outputTokens).toBeGreaterThan(0);
  },

  async tools(speaker, model, stream, owner) {
    const prompt = "please call all";
    const heard = await speaker.ask({ model, prompt, tools }, stream);
    expect(heard.calls.map(({ name, input }) => ({ name, input }))).toEqual(
      tools.map(({ name }) => ({ name, input: example })),
    );
    expect(new Set(heard.calls.map(({ id }) => id)).size).toBe(2);
    expect(heard.finish).toBe(speaker.finishes.tools);
    const results = Object.fromEntries(heard.calls.map(({ id, name }) => [id, `result of ${name}`]));
    const after = await speaker.ask({ model, prompt, tools, after: { heard, results } }, stream);
    expect(after.finish).toBe(speaker.finishes.text);
    expect(after.calls).toEqual([]);
    expect(after.text).not.toBe("");
    if (owner === "simulator") for (const { name } of tools) expect(lastBody()).toContain(`result of ${name}`);
  },

  async vision(speaker, model, stream, owner, upstream) {
    const address = "addresses" in upstream ? pixel : "https://example.com/a.png";
    const heard = await speaker.ask({ model, prompt: "what is it", images: [pixel, address] }, stream);
    expect(heard.text).not.toBe("");
    if (owner !== "simulator") return;
    // 85 tokens an image, by the simulator's count.
    expect(heard.inputTokens).toBeGreaterThan(170);
    expect(lastBody()).toContain(pixel.slice(pixel.indexOf(",") + 1));
    expect(lastBody()).toContain(address.slice(address.indexOf(",") + 1));
  },

  async "structured output"(speaker, model, stream) {
    const heard = await speaker.ask({ model, prompt: "as JSON", schema }, stream);
    expect(JSON.parse(heard.text)).toEqual(example);
  },

  async thinking(speaker, model, stream, owner, upstream) {
    const heard = await speaker.ask({ model, prompt: "think first", think: true }, stream);
    expect(heard.thinking).not.toBe("");
    // The chat SDK's stream helper keeps the last piece only of a field that it does not know.
    if (!(stream && speaker.idPrefix === "chatcmpl-")) expect(heard.thinking).toContain("pretends to think");
    expect(heard.text).not.toBe("");
    if (owner === "simulator" && !("countsThinking" in upstream)) expect(heard.reasoningTokens).toBeGreaterThan(0);
    const after = await speaker.ask(
      { model, prompt: "think first", think: true, after: { heard, said: "and now" } },
      stream,
    );
    expect(after.text).not.toBe("");
  },
};

const cells = dialects.flatMap((dialect) =>
  upstreams
    .filter((upstream) => isTried(dialect.name, upstream.name))
    .flatMap((upstream) => houses.map((owner) => ({ dialect, upstream, owner }))),
);

describe.each(cells)("$dialect.name over $upstream.name of $owner", ({ dialect, upstream, owner }) => {
  const modes = dialect.features.flatMap((feature: Feature) => [
    { feature, mode: "whole" },
    { feature, mode: "streamed" },
  ]);
  test.each(modes)("$feature, $mode", async ({ feature, mode }) => {
    const model = `${owner}-${upstream.name}`;
    await trials[feature](speakers[dialect.name], model, mode === "streamed", owner, upstream);
  });
});

test("docs/matrix.md shows what is tried here", () => {
  const page = readFileSync(new URL("../../docs/matrix.md", import.meta.url), "utf8");
  expect(page).toContain(matrixTable());
});
