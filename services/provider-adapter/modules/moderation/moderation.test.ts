import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { type Invocation, startTestProvider, type TestProvider } from "../../testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;

/** Every upstream that judges. */
const upstreams = {
  openai: { path: "/v1", flavour: {} },
  mistral: { path: "/mistral/v1", flavour: { vendor: "mistral" } },
  zhipu: { path: "/api/paas/v4", flavour: { vendor: "zhipu" } },
};

beforeAll(async () => {
  simulator = await createSimulator({});
  const channels = Object.entries(upstreams).map(([name, { path, flavour }]) => {
    return [name, { adapter: "openai", flavour, credential: "secret", baseUrl: `${simulator.url}${path}` }];
  });
  provider = await startTestProvider(Object.fromEntries(channels));
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const judge = (channel: string, input: unknown, model = "any"): Invocation => ({
  dialect: "openai.moderations",
  body: { input },
  candidates: [{ channel, model }],
});
const text = (of: string) => ({ type: "text", text: of });
const image = (url: string) => ({ type: "image_url", image_url: { url } });
const png = "data:image/png;base64,iVBORw0KGgo=";

describe.each(Object.keys(upstreams))("%s", (name) => {
  test.each([
    ["a nice day", false],
    ["they kill", true],
  ])("%j is flagged: %s", async (input, flagged) => {
    const { text: answer, outcome, error } = await provider.invoke(judge(name, input));
    expect(error).toBeUndefined();
    const { id, results } = JSON.parse(answer);
    expect(id).toBe(outcome.messageId);
    expect(results).toHaveLength(1);
    expect(results[0].flagged).toBe(flagged);
    expect(Object.values(results[0].categories).includes(true)).toBe(flagged);
    expect(outcome.usage?.estimated).toBe(name !== "mistral");
    expect(outcome.usage?.inputTokens).toBeGreaterThan(0n);
  });

  test.each([
    ...["sim-empty", "sim-nan", "sim-empty-body", "sim-malformed-chunk", "sim-error-in-200", "sim-drop-headers"],
    ...["sim-drop-stream", "sim-status-500", "sim-status-401", "sim-status-404"],
  ])("%s is an error of the upstream, and nothing is charged", async (model) => {
    const { error, outcome } = await provider.invoke(judge(name, "a nice day", model));
    expect(error?.code).toBe("upstream_error");
    expect(outcome.usage).toBeUndefined();
  });

  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-status-413", "request_too_large"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-504", "upstream_timeout"],
  ])("%s is %s", async (model, code) => {
    expect((await provider.invoke(judge(name, "a nice day", model))).error?.code).toBe(code);
  });

  test.each(["sim-split-bytes", "sim-comments", "sim-slow-chunks-1"])("%s changes nothing", async (model) => {
    expect((await provider.invoke(judge(name, "they kill", model))).error).toBeUndefined();
  });
});

test.each(["openai", "mistral"])("%s has a verdict on each of several texts", async (name) => {
  const { text: answer } = await provider.invoke(judge(name, ["they kill", "a nice day", "war"]));
  expect(JSON.parse(answer).results.map((one: { flagged: boolean }) => one.flagged)).toEqual([true, false, true]);
});

test.each(["openai", "zhipu"])("%s judges parts together, images by address and as data", async (name) => {
  const ask = async (...parts: object[]) => {
    const { text: answer, error } = await provider.invoke(judge(name, parts));
    expect(error).toBeUndefined();
    const { results } = JSON.parse(answer);
    expect(results).toHaveLength(1);
    return results[0].flagged;
  };
  expect(await ask(text("a nice day"), image(png))).toBe(false);
  expect(await ask(text("a nice day"), image("https://a.example/war.png"))).toBe(true);
  const sent = JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "");
  expect(sent.input).toEqual([text("a nice day"), image("https://a.example/war.png")]);
});

test("what Zhipu wants to be reviewed is flagged, with half of the score", async () => {
  const { text: answer } = await provider.invoke(judge("zhipu", "I hate it"));
  expect(JSON.parse(answer).results).toMatchObject([
    { flagged: true, categories: { hate: true }, category_scores: { hate: 0.5 } },
  ]);
});

test.each([
  ["mistral", [text("a"), image(png)], "input[1].image_url"],
  ["zhipu", ["a", "b"], "input[1]"],
])("%s is not asked what it cannot do: %j", async (name, input, param) => {
  const before = simulator.requests.length;
  const { error } = await provider.invoke(judge(name, input));
  expect(error).toMatchObject({ code: "invalid_value", param });
  expect(simulator.requests).toHaveLength(before);
});

test("values of illicit may be null", async () => {
  const { text: answer } = await provider.invoke(judge("openai", "they steal", "text-moderation-007"));
  expect(JSON.parse(answer).results[0].categories).toMatchObject({ illicit: null, violence: false });
});
