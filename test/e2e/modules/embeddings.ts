import OpenAI from "openai";
import { beforeAll, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/* Embeddings through a whole platform: what clients get, what is on the record, what is charged. */

const chargeOf = statement("embeddings_charge", "select amount from billing.ledger where entry_id = $1");
const model = "text-embedding-3-small";

/** The tests of a deployment. */
export function testEmbeddings(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let client: OpenAI;
  beforeAll(() => {
    house = houseOf();
    client = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  });

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

  test("another channel is asked where its vectors are of the same space, and no other", async () => {
    const { data, response } = await client.embeddings.create({ model: "together", input: ["a", "b"] }).withResponse();
    expect(data.data).toHaveLength(2);
    const row = await recordOf(response.headers.get("x-request-id") ?? "");
    expect(row?.throughline).toMatchObject({ channel: "sound" });
    expect(row?.custom_response).toEqual({ vectors: 2, tokens: 2 });

    const seen = house.simulator.requests.length;
    await expect(client.embeddings.create({ model: "apart", input: ["a", "b"] })).rejects.toMatchObject({
      status: 502,
      code: "upstream_error",
    });
    expect(house.simulator.requests.length).toBe(seen + 1);
  });

  test("what a model cannot do, or another endpoint does, is told by its field", async () => {
    await expect(client.embeddings.create({ model: "apart", input: "x", dimensions: 8 })).rejects.toMatchObject({
      status: 400,
      param: "dimensions",
    });
    const messages = [{ role: "user" as const, content: "x" }];
    await expect(client.chat.completions.create({ model, messages })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("/v1/embeddings"),
    });
    await expect(client.embeddings.create({ model: "gpt-4o", input: "x" })).rejects.toMatchObject({ status: 400 });
  });

  test("a repeat with the same Idempotency-Key gets the same answer, and is charged once", async () => {
    const again = async () => {
      const headers = { "idempotency-key": "embeddings-once" };
      const response = await house.call("/v1/embeddings", { model, input: ["once"] }, headers);
      expect(response.status).toBe(200);
      return { response, text: await response.text() };
    };
    const first = await again();
    const second = await again();
    expect(second.text).toBe(first.text);
    expect(second.response.headers.get("idempotent-replayed")).toBe("true");
    expect(await chargedFor(second.response.headers.get("x-request-id") ?? "")).toBeUndefined();
    expect(await eventually(() => chargedFor(first.response.headers.get("x-request-id") ?? ""))).toBeLessThan(0n);
  });
}
