import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { type Deployment, eventually, type Mode, startDeployment } from "./deployment.ts";

/* Embeddings through a whole platform: what clients get, what is on the record, what is charged. */

const chargeOf = statement("embeddings_charge", "select amount from billing.ledger where entry_id = $1");
const model = "text-embedding-3-small";

const modes: Mode[] = ["up", "mesh"];

describe.each(modes)("embeddings: %s", (mode) => {
  let house: Deployment;
  let client: OpenAI;
  beforeAll(async () => {
    house = await startDeployment(mode);
    client = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  }, 90_000);
  afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

  async function recordOf(id: string) {
    return eventually(async () => {
      const response = await house.call(`/bp/ai/ai_request/history/query?page=1&page_size=10&request_id=${id}`);
      const { data } = (await response.json()) as { data: Record<string, unknown>[] };
      return data.find((row) => row.request_id === id && row.status !== "processing");
    });
  }

  async function chargedFor(id: string): Promise<bigint | undefined> {
    const [entry] = await house.db.query<{ amount: bigint }>(chargeOf, [id]);
    return entry?.amount;
  }

  test("the SDK gets the same vectors in base64, which it asks for by itself, and as numbers", async () => {
    const input = ["one", "two", "三"];
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
    expect(packed.data.map(({ embedding }) => Array.from(embedding))).toEqual(
      plain.data.map(({ embedding }) => embedding),
    );
    expect(plain.data.map(({ index, object }) => [index, object])).toEqual(
      [0, 1, 2].map((index) => [index, "embedding"]),
    );
    expect(plain.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    expect(plain.model).toBe(model);
    const sent = house.simulator.requests.slice(-2).map(({ body }) => JSON.parse(body.toString()));
    expect(sent.map(({ encoding_format }) => encoding_format)).toEqual(["base64", "float"]);
  });

  test("its record has a document that says what there was, its price and its charge", async () => {
    const { data, response } = await client.embeddings
      .create({ model, input: [[1, 2, 3], [4]], dimensions: 64 })
      .withResponse();
    expect(data.data.map(({ embedding }) => embedding.length)).toEqual([64, 64]);
    const id = response.headers.get("x-request-id") ?? "";
    const row = await recordOf(id);
    expect(row).toMatchObject({ status: "succeeded", module: "embeddings", error: "" });
    expect(JSON.parse(String(row.response))).toEqual({
      object: "list",
      data: { count: 2, dimensions: 64, encoding_format: "base64" },
      model,
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
    expect(row.unit_price).toMatchObject({ input_token: 4, output_token: 0 });
    expect(await eventually(() => chargedFor(id))).toBeLessThan(0n);
  });
});
