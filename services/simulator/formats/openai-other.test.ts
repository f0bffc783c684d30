import { Ajv } from "ajv";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectOf } from "../json.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import { eventsOf, post } from "../testing.ts";

let simulator: Simulator;
let client: OpenAI;
beforeAll(async () => {
  simulator = await createSimulator();
  client = new OpenAI({ apiKey: "sk-test", baseURL: `${simulator.url}/v1`, maxRetries: 0 });
});
afterAll(() => simulator.close());

const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tool = { type: "function" as const, name: "get_weather", parameters: schema, strict: true };

describe("responses", () => {
  it("streams, by the SDK's strict accumulator, what it would have answered whole", async () => {
    const asks: OpenAI.Responses.ResponseCreateParamsNonStreaming[] = [
      { model: "m", input: "hello there" },
      {
        model: "m",
        input: [{ role: "user", content: [{ type: "input_text", text: "hi" }] }],
        reasoning: { effort: "low" },
      },
      { model: "m", input: "hi", tools: [tool], tool_choice: { type: "function", name: "get_weather" } },
      { model: "m", input: "hi", max_output_tokens: 4 },
      { model: "m", input: "hi", text: { format: { type: "json_schema", name: "x", schema } } },
      { model: "sim-empty", input: "hi" },
    ];
    for (const ask of asks) {
      const whole = await client.responses.create(ask);
      const streamed = await client.responses.stream({ ...ask, stream: true }).finalResponse();
      const shape = (response: OpenAI.Responses.Response) =>
        response.output.map((item) =>
          JSON.stringify(item)
            .replaceAll(/sim_[0-9a-z]+/g, "id")
            .replaceAll(/,?"parsed(_arguments)?":(null|\{[^}]*\})/g, ""),
        );
      expect(shape(streamed)).toEqual(shape(whole));
      expect([streamed.status, streamed.usage]).toEqual([whole.status, whole.usage]);
      expect(whole.status).toBe(ask.max_output_tokens === undefined ? "completed" : "incomplete");
    }
  });

  it("gives arguments and JSON that the schema accepts, and numbers its events without a hole", async () => {
    const called = await client.responses.create({ model: "m", input: "please call it", tools: [tool] });
    const item = called.output.find(({ type }) => type === "function_call");
    expect(new Ajv().validate(schema, JSON.parse(item?.type === "function_call" ? item.arguments : ""))).toBe(true);
    const { text } = await post(simulator, "/v1/responses", {
      model: "m",
      input: "x",
      stream: true,
      reasoning: { effort: "low" },
    });
    const numbers = eventsOf(text).map((data) => JSON.parse(data).sequence_number);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it("misbehaves", async () => {
    const send = (model: string, stream = true) => post(simulator, "/v1/responses", { model, input: "x", stream });
    expect((await send("sim-status-500")).status).toBe(500);
    expect(JSON.parse(eventsOf((await send("sim-error-in-stream")).text).at(-1) ?? "").type).toBe("error");
    expect((await send("sim-no-usage", false)).json.usage).toBeUndefined();
    await expect(send("sim-drop-stream")).rejects.toThrow();
  });
});

describe("embeddings and models", () => {
  it("gives the SDK the same vector in base64 and in JSON, of length 1", async () => {
    const packed = await client.embeddings.create({ model: "m", input: ["one", "two"], dimensions: 16 });
    const plain = await client.embeddings.create({
      model: "m",
      input: ["one", "two"],
      dimensions: 16,
      encoding_format: "float",
    });
    expect(packed.data.map(({ embedding }) => Array.from(embedding))).toEqual(
      plain.data.map(({ embedding }) => embedding),
    );
    expect(plain.data[0]?.embedding).not.toEqual(plain.data[1]?.embedding);
    expect(Math.hypot(...(plain.data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(plain.usage.prompt_tokens).toBe(2);
    expect((await post(simulator, "/v1/embeddings", { model: "m", input: [] })).status).toBe(400);
    expect(
      objectOf((await post(simulator, "/v1/embeddings", { model: "m", input: [[1, 2], [3]] })).json.usage).total_tokens,
    ).toBe(3);
  });

  it("lists its models", async () => {
    const models = (await client.models.list()).data.map(({ id }) => id);
    expect(models[0]).toBe("simulated-model");
    expect(models).toContain("sim-hang-stream");
  });
});

describe("images", () => {
  it.each([
    ["a pair of surrogates at the cut", `${"x".repeat(19)}😀`],
    ["half of a pair", "\ud800"],
  ])("are made of a prompt with %s", async (_what, prompt) => {
    const made = await client.images.generate({ model: "m", prompt, response_format: "url" });
    const address = made.data?.[0]?.url ?? "";
    expect((await fetch(address)).headers.get("content-type")).toBe("image/png");
  });
});
