import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectOf } from "../json.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import { eventsOf, post } from "../testing.ts";

let simulator: Simulator;
let client: Anthropic;
beforeAll(async () => {
  simulator = await createSimulator();
  client = new Anthropic({ apiKey: "test", baseURL: simulator.url, maxRetries: 0 });
});
afterAll(() => simulator.close());

const version = { "anthropic-version": "2023-06-01" };
const hello = { model: "m", max_tokens: 400, messages: [{ role: "user" as const, content: "hello there" }] };
const weather = {
  name: "get_weather",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] },
};
const post2023 = (body: object) => post(simulator, "/v1/messages", { ...hello, ...body }, version);

describe("messages", () => {
  it("answers in the format the SDK reads, labelled, with an ID and usage", async () => {
    const { data, request_id } = await client.messages.create(hello).withResponse();
    expect(request_id).toMatch(/^req_sim_/);
    expect(data.content[0]).toMatchObject({ type: "text", text: expect.stringContaining("simulated") });
    expect(data.stop_reason).toBe("end_turn");
    expect(data.usage.input_tokens).toBeGreaterThan(0);
  });

  it("streams what it would have answered whole: thinking, text, tools", async () => {
    const asks = [
      hello,
      { ...hello, max_tokens: 4_000, thinking: { type: "enabled" as const, budget_tokens: 1_024 } },
      { ...hello, tools: [weather], tool_choice: { type: "any" as const } },
      { ...hello, model: "sim-tokens-30" },
      { ...hello, max_tokens: 5 },
      { ...hello, stop_sequences: ["upstream"] },
      { ...hello, model: "sim-content-filter" },
    ];
    for (const ask of asks) {
      const whole = await client.messages.create(ask);
      const streamed = await client.messages.stream(ask).finalMessage();
      expect(streamed.content.map(({ type }) => type)).toEqual(whole.content.map(({ type }) => type));
      for (const [index, block] of whole.content.entries()) {
        if (block.type === "thinking") expect(streamed.content[index]).toEqual(block);
        if (block.type === "tool_use") {
          expect(streamed.content[index]).toMatchObject({ name: block.name, input: block.input });
        }
      }
      const text = (message: Anthropic.Message) =>
        message.content.map((block) => (block.type === "text" ? block.text : ""));
      expect(text(streamed)).toEqual(text(whole));
      expect(streamed.stop_reason).toBe(whole.stop_reason);
      expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
    }
  });

  it("maps every end", async () => {
    const reason = async (body: object) => {
      const { json } = await post2023(body);
      return [json.stop_reason, json.stop_sequence];
    };
    expect(await reason({})).toEqual(["end_turn", null]);
    expect(await reason({ max_tokens: 5 })).toEqual(["max_tokens", null]);
    expect(await reason({ stop_sequences: ["upstream"] })).toEqual(["stop_sequence", "upstream"]);
    expect(await reason({ tools: [weather], tool_choice: { type: "tool", name: "get_weather" } })).toEqual([
      "tool_use",
      null,
    ]);
    expect(await reason({ model: "sim-content-filter" })).toEqual(["refusal", null]);
    // A call cut by max_tokens has no whole arguments, and does not bring the simulator down.
    expect(await reason({ tools: [weather], tool_choice: { type: "any" }, max_tokens: 1 })).toEqual([
      "max_tokens",
      null,
    ]);
  });

  it("tells cached input apart, counts tokens, answers JSON", async () => {
    const { usage } = (await post2023({ model: "sim-cached-50" })).json;
    const counted = await post(
      simulator,
      "/v1/messages/count_tokens",
      { model: "m", messages: hello.messages },
      version,
    );
    const total = Number(counted.json.input_tokens);
    expect(objectOf(usage).cache_read_input_tokens).toBe(Math.floor(total / 2));
    expect(objectOf(usage).input_tokens).toBe(Math.ceil(total / 2));
    const format = { type: "json_schema", schema: { type: "object", properties: { ok: { type: "boolean" } } } };
    const { json } = await post2023({ output_config: { format } });
    expect(JSON.stringify(json.content)).toContain(String.raw`{\"ok\":true}`);
  });

  it("refuses what the vendor refuses, in the vendor's form", async () => {
    const refused = async (body: object, headers: Record<string, string>) => {
      const { status, json } = await post(simulator, "/v1/messages", body, headers);
      expect(status).toBe(400);
      expect(json.type).toBe("error");
      expect(json.request_id).toMatch(/^req_sim_/);
      return String(objectOf(json.error).message);
    };
    expect(await refused(hello, {})).toContain("anthropic-version");
    expect(await refused({ ...hello, max_tokens: undefined }, version)).toContain("max_tokens");
    expect(await refused({ ...hello, messages: [] }, version)).toContain("messages");
    const newVersion = { "anthropic-version": "2026-10-21" };
    expect(await refused({ ...hello, temperature: 1 }, newVersion)).toContain("temperature");
    expect((await post2023({ temperature: 1 })).status).toBe(200);
  });

  it("misbehaves", async () => {
    for (const [status, type] of [
      [401, "authentication_error"],
      [429, "rate_limit_error"],
      [500, "api_error"],
      [529, "overloaded_error"],
    ]) {
      const answer = await post2023({ model: `sim-status-${status}` });
      expect([answer.status, objectOf(answer.json.error).type]).toEqual([status, type]);
    }
    const failed = await post2023({ model: "sim-error-in-stream", stream: true });
    expect(JSON.parse(eventsOf(failed.text).at(-1) ?? "")).toMatchObject({
      type: "error",
      error: { type: "overloaded_error" },
    });
    expect((await post2023({ model: "sim-no-done", stream: true })).text).not.toContain("message_stop");
    expect((await post2023({ model: "sim-no-usage", stream: true })).text).not.toContain("_tokens");
    expect((await post2023({ model: "sim-empty" })).json.content).toEqual([]);
    await expect(post2023({ model: "sim-drop-stream", stream: true })).rejects.toThrow();
    const broken = eventsOf((await post2023({ model: "sim-malformed-chunk", stream: true })).text);
    expect(broken.filter((data) => data.endsWith('"ty'))).toHaveLength(1);
  });
});
