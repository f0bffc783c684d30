import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayOf, objectOf } from "../json.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import { eventsOf, post } from "../testing.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator.close());

const hello = { contents: [{ role: "user", parts: [{ text: "hello there" }] }] };
const declaration = { name: "get_weather", parameters: { type: "OBJECT", properties: { city: { type: "STRING" } } } };
const call = (verb: string, body: object = {}, model = "m") =>
  post(simulator, `/v1beta/models/${model}:${verb}`, { ...hello, ...body });
const candidateOf = (json: unknown) => objectOf(arrayOf(objectOf(json).candidates)[0]);
const textOf = (candidate: unknown) =>
  arrayOf(objectOf(objectOf(candidate).content).parts)
    .map((part) => objectOf(part).text ?? "")
    .join("");

describe("generateContent", () => {
  it("answers labelled, with a response ID and counts that add up", async () => {
    const { json, headers } = await call("generateContent");
    expect(headers["x-throughline-simulator"]).toBe("1");
    expect(headers["x-request-id"]).toBeUndefined();
    expect(json.responseId).toMatch(/^req_sim_/);
    expect(textOf(candidateOf(json))).toContain("simulated");
    expect(candidateOf(json).finishReason).toBe("STOP");
    const usage = objectOf(json.usageMetadata);
    expect(usage.totalTokenCount).toBe(Number(usage.promptTokenCount) + Number(usage.candidatesTokenCount));
  });

  it("streams the same, as events and as an array, with cumulative usage", async () => {
    const config = { generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 100 } } };
    for (const body of [{}, config, { generationConfig: { maxOutputTokens: 4 } }]) {
      const whole = (await call("generateContent", body)).json;
      const events = eventsOf((await call("streamGenerateContent?alt=sse", body)).text).map((data) => JSON.parse(data));
      const array = JSON.parse((await call("streamGenerateContent", body)).text);
      for (const pieces of [events, array]) {
        expect(pieces.map((piece: unknown) => textOf(candidateOf(piece))).join("")).toBe(textOf(candidateOf(whole)));
        expect(pieces.at(-1).usageMetadata).toEqual(whole.usageMetadata);
        expect(candidateOf(pieces.at(-1)).finishReason).toBe(candidateOf(whole).finishReason);
        expect(candidateOf(pieces[0]).finishReason).toBeUndefined();
      }
    }
    expect(objectOf((await call("generateContent", config)).json.usageMetadata).thoughtsTokenCount).toBe(16);
  });

  it("calls functions whole, ending with STOP; takes both spellings of a field", async () => {
    const tools = [{ functionDeclarations: [declaration] }];
    const forced = {
      tools,
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["get_weather"] } },
    };
    const { json } = await call("generateContent", forced);
    expect(candidateOf(json)).toMatchObject({
      content: { parts: [{ functionCall: { name: "get_weather", args: { city: "simulated" } } }] },
      finishReason: "STOP",
    });
    const snake = {
      tools: [{ function_declarations: [declaration] }],
      tool_config: { function_calling_config: { mode: "ANY" } },
    };
    const events = eventsOf((await call("streamGenerateContent?alt=sse", snake)).text);
    expect(events.filter((data) => data.includes("functionCall"))).toHaveLength(1);
  });

  it("answers JSON, counts, embeds", async () => {
    const schema = { type: "OBJECT", properties: { ok: { type: "BOOLEAN" } } };
    const { json } = await call("generateContent", {
      generationConfig: { responseMimeType: "application/json", responseSchema: schema },
    });
    expect(JSON.parse(textOf(candidateOf(json)))).toEqual({ ok: true });
    expect((await call("countTokens")).json.totalTokens).toBe(3 + 4 + 3);
    const embedded = await call("embedContent", { content: { parts: [{ text: "x" }] }, outputDimensionality: 8 });
    expect(arrayOf(objectOf(embedded.json.embedding).values)).toHaveLength(8);
    const batch = await call("batchEmbedContents", { requests: [{ content: { parts: [{ text: "x" }] } }] });
    expect(arrayOf(batch.json.embeddings)).toHaveLength(1);
  });

  it("misbehaves in the vendor's form", async () => {
    const limited = await call("generateContent", {}, "sim-status-429");
    expect(limited.status).toBe(429);
    expect(objectOf(limited.json.error)).toMatchObject({
      code: 429,
      status: "RESOURCE_EXHAUSTED",
      details: [{ retryDelay: "1s" }],
    });
    expect((await call("generateContent", { contents: [] })).status).toBe(400);
    expect((await call("frobnicate")).status).toBe(400);
    const events = eventsOf((await call("streamGenerateContent?alt=sse", {}, "sim-error-in-stream")).text);
    expect(JSON.parse(events.at(-1) ?? "").error.status).toBe("UNAVAILABLE");
    expect(candidateOf((await call("generateContent", {}, "sim-content-filter")).json).finishReason).toBe("SAFETY");
    expect((await call("generateContent", {}, "sim-no-usage")).text).not.toContain("usageMetadata");
    await expect(call("streamGenerateContent?alt=sse", {}, "sim-drop-stream")).rejects.toThrow();
    const failing = (await call("streamGenerateContent", {}, "sim-error-in-stream")).text;
    expect(JSON.parse(failing).at(-1).error.code).toBe(503);
  });
});
