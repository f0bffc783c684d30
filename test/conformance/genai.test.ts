import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError, type Content, FunctionCallingConfigMode, GoogleGenAI, type Part, Type } from "@google/genai";
import { AzureOpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { bootstrapKey, type Deployment, eventually, type Mode, startDeployment } from "../e2e/deployment.ts";

/* Google's own SDK against every upstream format, and OpenAI's client for Azure, through a whole platform. */

/** Adapter, what follows the simulator's address, and a model that reads as one of the vendor's. */
const upstreams = [
  ["openai", "/v1", "gpt-5.4"],
  ["anthropic", "", "claude-sonnet-4-6"],
  ["gemini", "/v1beta", "gemini-3.5-flash"],
  ["responses", "/v1", "gpt-5.4"],
] as const;

const config = (simulator: Simulator) => `
strategies: [{ name: house, prices: { input: "1.00", output: "2.00" } }]
models:
${upstreams.map(([name]) => `  - { name: house/${name}, strategy: house, context_window: 100000 }`).join("\n")}
  - { name: house/failing, strategy: house }
  - { name: house/vectors, module: embeddings, strategy: house }
channels:
${upstreams
  .map(([name, path, model]) => {
    const adapter = name === "responses" ? "openai" : name;
    return `  - { name: ${name}, adapter: ${adapter}, base_url: "${simulator.url}${path}", groups: "*", models: { house/${name}: ${model} } }`;
  })
  .join("\n")}
  - { name: failing, adapter: gemini, base_url: "${simulator.url}/v1beta", groups: "*", models: { house/failing: sim-status-429 } }
  - { name: vectors, adapter: gemini, base_url: "${simulator.url}/v1beta", groups: "*", models: { house/vectors: gemini-embedding-001 } }
`;

const weather = {
  name: "get_weather",
  description: "Tells the weather of a city.",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] },
};
// One mode: test/e2e/walk.test.ts tries each module in both.
const modes: Mode[] = ["up"];

describe.each(modes)("%s", (mode) => {
  let simulator: Simulator;
  let house: Deployment;
  let client: GoogleGenAI;
  let folder: string;
  beforeAll(async () => {
    simulator = await createSimulator({});
    folder = await mkdtemp(join(tmpdir(), "throughline-genai-"));
    const file = join(folder, "throughline.yaml");
    await writeFile(file, config(simulator));
    house = await startDeployment(mode, { THROUGHLINE_CONFIG: file, LOG_LEVEL: "debug" });
    client = new GoogleGenAI({ apiKey: house.key, httpOptions: { baseUrl: house.url } });
  }, 90_000);
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]();
    await simulator?.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function recordOf(id: string | undefined) {
    return eventually(async () => {
      const response = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
      const { data } = (await response.json()) as { data: Record<string, unknown>[] };
      return data.find((row) => row.request_id === id && row.status !== "processing");
    });
  }

  describe.each(upstreams.map(([name]) => name))("%s", (name) => {
    const model = `house/${name}`;

    test("whole, with its record and its charge", async () => {
      const config = { systemInstruction: "Be brief.", maxOutputTokens: 100, temperature: 0.5 };
      const answer = await client.models.generateContent({ model, contents: "Hello", config });
      expect(answer.text).toContain("simulated");
      expect(answer.candidates?.[0]?.finishReason).toBe("STOP");
      expect(answer.usageMetadata?.totalTokenCount).toBeGreaterThan(5);
      const row = await recordOf(answer.responseId);
      expect(row).toMatchObject({ module: "chat", status: "succeeded", throughline: { model, channel: name } });
      expect(JSON.stringify(row?.throughline)).toMatch(/"billed_usd":"0\.0*[1-9]/);
      expect(JSON.parse(String(row?.response))).toMatchObject({ responseId: answer.responseId });
    });

    test("streamed: as events, and as a list", async () => {
      let text = "";
      let last: { id: string | undefined; total: number | undefined } = { id: "", total: 0 };
      for await (const chunk of await client.models.generateContentStream({ model, contents: "Hello" })) {
        text += chunk.text ?? "";
        last = { id: chunk.responseId, total: chunk.usageMetadata?.totalTokenCount ?? last.total };
      }
      expect(text).toContain("simulated");
      expect(last.total).toBeGreaterThan(5);
      expect(await recordOf(last.id)).toMatchObject({ status: "succeeded" });
      const path = `/v1beta/models/${model}:streamGenerateContent`;
      const contents = [{ role: "user", parts: [{ text: "Hello" }] }];
      const response = await house.call(path, { contents });
      const list = (await response.json()) as { candidates: { content: { parts: { text?: string }[] } }[] }[];
      const parts = list.flatMap(({ candidates }) => candidates.flatMap(({ content }) => content.parts));
      expect(parts.map((part) => part.text ?? "").join("")).toBe(text);
    });

    test("a loop of tools, whole and streamed", async () => {
      const tools = [{ functionDeclarations: [weather] }];
      const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } };
      const contents: Content[] = [{ role: "user", parts: [{ text: "Weather in Paris?" }] }];
      const asked = await client.models.generateContent({ model, contents, config: { tools, toolConfig } });
      expect(asked.functionCalls?.map((call) => call.name)).toContain("get_weather");
      const said: Part[] = [];
      for await (const chunk of await client.models.generateContentStream({
        model,
        contents,
        config: { tools, toolConfig },
      })) {
        said.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
      }
      const calls = said.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
      expect(calls.map(({ name: called, args }) => [called, typeof args])).toEqual([["get_weather", "object"]]);
      const parts = calls.map(({ id, name: called }) => ({
        functionResponse: {
          ...(id === undefined ? {} : { id }),
          ...(called === undefined ? {} : { name: called }),
          response: { output: "sunny" },
        },
      }));
      const next = [...contents, { role: "model", parts: said }, { role: "user", parts }];
      const after = await client.models.generateContent({ model, contents: next, config: { tools } });
      expect(after.candidates?.[0]?.content?.parts?.length).toBeGreaterThan(0);
      expect(simulator.requests.at(-1)?.body.toString()).toContain("sunny");
    });

    test("structured output", async () => {
      const responseSchema = { type: Type.OBJECT, properties: { name: { type: Type.STRING } }, required: ["name"] };
      const config = { responseMimeType: "application/json", responseSchema };
      const answer = await client.models.generateContent({ model, contents: "A city", config });
      expect(JSON.parse(answer.text ?? "")).toHaveProperty("name");
    });

    test("a count of tokens", async () => {
      expect((await client.models.countTokens({ model, contents: "Hello there" })).totalTokens).toBeGreaterThan(0);
    });
  });

  test("embeddings of one and of several, on the record without their vectors", async () => {
    const model = "house/vectors";
    const answer = await client.models.embedContent({
      model,
      contents: ["one", "two"],
      config: { outputDimensionality: 8 },
    });
    expect(answer.embeddings?.map(({ values }) => values?.length)).toEqual([8, 8]);
    const one = await house.call(`/v1beta/models/${model}:embedContent`, { content: { parts: [{ text: "one" }] } });
    const said = (await one.json()) as { embedding: { values: number[] } };
    expect(said.embedding.values.length).toBeGreaterThan(8);
    expect(await recordOf(one.headers.get("x-request-id") ?? "")).toMatchObject({ module: "embeddings" });
  });

  test("lists of models, in pages", async () => {
    const names: string[] = [];
    for await (const model of await client.models.list({ config: { pageSize: 3 } })) names.push(model.name ?? "");
    expect(names).toEqual(expect.arrayContaining(upstreams.map(([name]) => `models/house/${name}`)));
    expect(new Set(names).size).toBe(names.length);
    expect(await client.models.get({ model: "house/openai" })).toMatchObject({
      name: "models/house/openai",
      inputTokenLimit: 100_000,
    });
  });

  test("errors are the SDK's, with the code and the request's ID", async () => {
    const failed = await client.models
      .generateContent({ model: "house/failing", contents: "x" })
      .catch((error) => error);
    expect(failed).toBeInstanceOf(ApiError);
    const { error } = JSON.parse(failed.message) as {
      error: { code: number; status: string; details: Record<string, never>[] };
    };
    expect([failed.status, error.status]).toEqual([error.code, "UNAVAILABLE"]);
    expect(error.details[0]).toMatchObject({
      reason: "upstream_overloaded",
      metadata: { request_id: expect.stringMatching(/^\d+$/) },
    });
    const unknown = client.models.generateContent({ model: "nobody", contents: "x" });
    await expect(unknown).rejects.toMatchObject({ status: 400 });
    const stranger = new GoogleGenAI({ apiKey: "nobody", httpOptions: { baseUrl: house.url } });
    await expect(stranger.models.generateContent({ model: "house/openai", contents: "x" })).rejects.toMatchObject({
      status: 401,
    });
  });

  test("a key in the address works, and is nowhere afterwards", async () => {
    const url = `${house.url}/v1beta/models/house/gemini:generateContent?key=${bootstrapKey}`;
    const body = JSON.stringify({ contents: [{ parts: [{ text: "Hello" }] }] });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(response.status).toBe(200);
    const id = response.headers.get("x-request-id") ?? "";
    const row = await recordOf(id);
    expect(JSON.stringify(row)).not.toContain(bootstrapKey);
    await eventually(async () => (house.logs.some((line) => line.request_id === id) ? true : undefined));
    expect(JSON.stringify(house.logs)).not.toContain(bootstrapKey);
    expect(JSON.stringify(simulator.requests.at(-1)?.headers)).not.toContain(bootstrapKey);
    const spans = await eventually(async () => {
      const found = house.collector
        .spans()
        .filter((span) => JSON.stringify(span, (_, v) => (typeof v === "bigint" ? String(v) : v)).includes(id));
      return found.length > 0 ? found : undefined;
    });
    expect(JSON.stringify(spans, (_, v) => (typeof v === "bigint" ? String(v) : v))).not.toContain(bootstrapKey);
  });

  test("OpenAI's client for Azure, whose deployment is the model", async () => {
    const azure = new AzureOpenAI({ endpoint: house.url, apiKey: house.key, apiVersion: "2024-10-21", maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "Hello" }];
    const answer = await azure.chat.completions.create({ model: "house/openai", messages });
    expect(answer.choices[0]?.message.content).toContain("simulated");
    expect(await recordOf(answer._request_id ?? "")).toMatchObject({ throughline: { model: "house/openai" } });
    const stream = await azure.chat.completions.create({ model: "house/anthropic", messages, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toContain("simulated");
    // Plain HTTP, as Azure's documents show it: no model in the body.
    const path = `/openai/deployments/${encodeURIComponent("house/openai")}/chat/completions?api-version=2024-10-21`;
    const plain = await fetch(house.url + path, {
      method: "POST",
      headers: { "api-key": house.key, "content-type": "application/json" },
      body: JSON.stringify({ messages }),
    });
    expect(plain.status).toBe(200);
    expect((await azure.models.list()).data.map(({ id }) => id)).toContain("house/openai");
  });
});
