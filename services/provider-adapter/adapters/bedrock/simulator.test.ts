import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  CountTokensCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { create } from "@bufbuild/protobuf";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CandidateSchema } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { simulatedAccessKey, simulatedSession } from "../../../simulator/formats/bedrock-signature.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";

const { accessKeyId: id, secretAccessKey: secret } = simulatedAccessKey;
const region = "eu-west-1";
const claude = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/ab12";

let simulator: Simulator;
let provider: TestProvider;
beforeAll(async () => {
  simulator = await createSimulator({});
  const bedrock = { adapter: "bedrock", baseUrl: simulator.url, flavour: { region } };
  const session = simulatedSession;
  const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = session;
  provider = await startTestProvider({
    aws: { ...bedrock, credential: `${id}:${secret}` },
    session: { ...bedrock, credential: `${AccessKeyId}:${SecretAccessKey}:${SessionToken}` },
    json: { ...bedrock, credential: JSON.stringify({ Credentials: { AccessKeyId, SecretAccessKey, SessionToken } }) },
    bearer: { ...bedrock, credential: "ABSKQmVkcm9ja0FQSUtleS1hYmNk" },
    "wrong-key": { ...bedrock, credential: `${id}:not-what-belongs-to-this-one` },
    "no-token": { ...bedrock, credential: `${AccessKeyId}:${SecretAccessKey}` },
    "no-key": { ...bedrock, credential: "id:secret" },
    guarded: { ...bedrock, credential: `${id}:${secret}`, flavour: { region, guardrail: { id: "g1", version: 2 } } },
    // One for each mode: a channel that failed is not asked again at once.
    "failing-false": { ...bedrock, credential: `${id}:${secret}` },
    "failing-true": { ...bedrock, credential: `${id}:${secret}` },
    other: { adapter: "openai", baseUrl: `${simulator.url}/v1` },
  });
});
afterAll(async () => {
  await provider?.[Symbol.asyncDispose]();
  await simulator?.close();
});

const messages = [{ role: "user", content: "Hello" }];
function ask(model: string, more: object = {}, channel = "aws") {
  return provider.invoke({
    dialect: "openai.chat",
    body: { model: "m", messages, ...more },
    candidates: [{ channel, model }],
  });
}

describe("the official SDK reads what the simulator says, so what is tried here is what AWS speaks", () => {
  const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
    new BedrockRuntimeClient({
      region,
      endpoint: simulator.url,
      credentials,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    });
  const input: ConverseCommandInput = {
    modelId: claude,
    messages: [{ role: "user", content: [{ text: "please call all" }] }],
    toolConfig: {
      tools: ["weather", "clock"].map((name) => ({
        toolSpec: { name, inputSchema: { json: { type: "object", properties: { city: { type: "string" } } } } },
      })),
    },
    additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 1_024 } },
  };

  test("whole", async () => {
    const client = clientOf(simulatedAccessKey);
    const { output, stopReason, usage } = await client.send(new ConverseCommand(input));
    expect(stopReason).toBe("tool_use");
    expect(output?.message?.content?.map((block) => Object.keys(block)[0])).toEqual([
      "reasoningContent",
      "toolUse",
      "toolUse",
    ]);
    expect(usage?.totalTokens).toBe((usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0));
    const counted = await client.send(
      new CountTokensCommand({ modelId: claude, input: { converse: { messages: input.messages } } }),
    );
    expect(counted.inputTokens).toBeGreaterThan(0);
    client.destroy();
  });

  test("streamed, with a session", async () => {
    const client = clientOf(simulatedSession);
    const { stream } = await client.send(new ConverseStreamCommand(input));
    const kinds = new Set<string>();
    let called = "";
    for await (const event of stream ?? []) {
      kinds.add(Object.keys(event)[0] ?? "");
      called += event.contentBlockDelta?.delta?.toolUse?.input ?? "";
    }
    expect([...kinds]).toEqual([
      "messageStart",
      "contentBlockDelta",
      "contentBlockStop",
      "contentBlockStart",
      "messageStop",
      "metadata",
    ]);
    expect(called).toBe('{"city":"simulated"}{"city":"simulated"}');
    client.destroy();
  });

  test("refusals and exceptions in a stream", async () => {
    const wrong = clientOf({ ...simulatedAccessKey, secretAccessKey: "wrong" });
    await expect(wrong.send(new ConverseCommand(input))).rejects.toMatchObject({
      name: "InvalidSignatureException",
      $metadata: { httpStatusCode: 403 },
    });
    const client = clientOf(simulatedAccessKey);
    await expect(client.send(new ConverseCommand({ ...input, modelId: "sim-status-429" }))).rejects.toMatchObject({
      name: "ThrottlingException",
    });
    const { stream } = await client.send(new ConverseStreamCommand({ ...input, modelId: "sim-error-in-stream" }));
    const drained = async () => {
      for await (const event of stream ?? []) void event;
    };
    await expect(drained()).rejects.toMatchObject({ name: "ThrottlingException" });
    client.destroy();
    wrong.destroy();
  });
});

describe("credentials", () => {
  test.each(["aws", "session", "json"])("%s signs, whatever stands in the path", async (channel) => {
    for (const model of [claude, arn, "odd name+(v1)'s!*~/é"]) {
      const { error } = await ask(model, {}, channel);
      expect(error).toBeUndefined();
      const seen = simulator.requests.at(-1);
      expect(seen?.path).toBe(`/model/${encodeURIComponent(model)}/converse`);
      expect(seen?.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=SIMULATED\w+\/\d{8}\/eu-west-1\/bedrock\//,
      );
      expect(JSON.stringify(seen?.headers)).not.toContain("simulated-secret");
    }
  });

  test("an API key of Bedrock is a Bearer", async () => {
    const { error } = await ask(claude, {}, "bearer");
    expect(error).toBeUndefined();
    expect(simulator.requests.at(-1)?.headers.authorization).toBe("Bearer ABSKQmVkcm9ja0FQSUtleS1hYmNk");
  });

  test.each([
    ["wrong-key", ["upstream_error", ""]],
    ["no-token", ["upstream_error", ""]],
    // Such a channel is not opened.
    ["no-key", [""]],
  ])("%s: another channel answers, and no part of the secret is told", async (channel, codes) => {
    const { error, outcome, text } = await provider.invoke({
      dialect: "openai.chat",
      body: { model: "m", messages },
      candidates: [
        { channel, model: claude },
        { channel: "other", model: "gpt-4o" },
      ],
    });
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ errorCode }) => errorCode)).toEqual(codes);
    expect(
      JSON.stringify([text, outcome.attempts], (_, value) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toMatch(/secret|SIMULATED/);
  });

  test("a channel without a region is not opened", async () => {
    const { adapters } = await import("../registry.ts");
    expect(() => adapters.bedrock?.open("", "https://proxy.example.com")).toThrow("flavour.region is needed");
    for (const host of [
      "bedrock-runtime.us-east-1.amazonaws.com",
      "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
      "bedrock-runtime.cn-north-1.amazonaws.com.cn",
      "vpce-1-2.bedrock-runtime.us-east-1.vpce.amazonaws.com",
    ]) {
      expect(() => adapters.bedrock?.open("", `https://${host}`)).not.toThrow();
    }
  });
});

test("what a guardrail stopped is told as filtered, and why", async () => {
  const { outcome, text } = await ask("sim-content-filter", {}, "guarded");
  expect(JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "").guardrailConfig).toEqual({
    guardrailIdentifier: "g1",
    guardrailVersion: "2",
  });
  expect(outcome.finishReason).toBe("content_filter");
  expect(text).toContain("guardrail");
});

describe.each([false, true])("stream: %s", (stream) => {
  test("the request has the vendor's name", async () => {
    const { outcome, error } = await ask(claude, { stream });
    expect(error).toBeUndefined();
    const seen = simulator.requests.at(-1);
    expect(seen?.path).toBe(`/model/${encodeURIComponent(claude)}/${stream ? "converse-stream" : "converse"}`);
    expect(outcome.attempts[0]?.upstreamRequestId).toBe(seen?.id);
    expect(outcome.usage).toMatchObject({ estimated: false });
    expect(outcome.finishReason).toBe("stop");
  });

  test("parts of the usage", async () => {
    const { outcome } = await ask("sim-cached-50+cache-hour-20+flex", { stream });
    expect(Number(outcome.usage?.cachedInputTokens)).toBeGreaterThan(0);
    expect(outcome.usage?.traits).toEqual({ service_tier: "flex" });
    expect(outcome.usage?.more).toHaveLength(1);
    const { outcome: uncounted } = await ask("sim-no-usage", { stream });
    expect(uncounted.usage?.estimated).toBe(true);
    expect(Number(uncounted.usage?.outputTokens)).toBeGreaterThan(0);
  });

  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-context-length", "context_length_exceeded"],
    ["sim-status-403", "upstream_error"],
    ["sim-status-404", "upstream_error"],
    ["sim-status-408", "upstream_timeout"],
    ["sim-status-424", "upstream_error"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-500", "upstream_error"],
    ["sim-status-503", "upstream_overloaded"],
    ["sim-error-in-200", "upstream_error"],
    ["sim-error-in-stream", stream ? "upstream_overloaded" : "upstream_error"],
    ["sim-malformed-chunk", "upstream_error"],
    ["sim-empty-body", "upstream_error"],
    ["sim-drop-stream", "upstream_error"],
    ...(stream ? [["sim-bad-checksum", "upstream_error"]] : []),
  ])("%s is %s", async (model = "", code = "") => {
    const { error } = await ask(model, { stream });
    expect(error?.code).toBe(code);
  });

  test("a failing Bedrock gives way to another format before the first byte", async () => {
    const { error, outcome } = await provider.invoke({
      dialect: "anthropic.messages",
      body: { model: "m", max_tokens: 100, messages, stream },
      candidates: [
        { channel: `failing-${stream}`, model: "sim-status-503" },
        { channel: "other", model: "gpt-4o" },
      ],
    });
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel }) => channel)).toEqual([`failing-${stream}`, "other"]);
  });
});

test("a stream torn into single pieces comes to the same", async () => {
  const whole = await ask(claude, { stream: true });
  const torn = await ask("sim-split-bytes", { stream: true });
  const contentOf = (text: string) =>
    [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece = ""]) => piece).join("");
  expect(torn.error).toBeUndefined();
  expect(contentOf(torn.text).slice(0, 60)).toBe(contentOf(whole.text).slice(0, 60));
});

test.each([
  [claude, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"],
  ["amazon.nova-pro-v1:0", undefined],
  [arn, undefined],
])("tokens of %s are counted at %s", async (upstreamModel, path) => {
  simulator.clear();
  const answer = await provider.client.countTokens(
    {
      requestId: provider.nextId(),
      dialect: "openai.chat",
      body: Buffer.from(JSON.stringify({ model: "m", messages })),
      candidates: [create(CandidateSchema, { channel: "aws", upstreamModel })],
      estimatedInputTokens: 7n,
    },
    { timeoutMs: 5_000 },
  );
  expect(answer.estimated).toBe(path === undefined);
  expect(Number(answer.inputTokens)).toBeGreaterThan(0);
  expect(simulator.requests.at(-1)?.path).toBe(path);
});
