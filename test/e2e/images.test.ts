import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { type Deployment, eventually, type Mode, startDeployment } from "./deployment.ts";

/* Images: one document and events through both modes, as the official SDK asks for them, each kind of token at its price. */

const modes: Mode[] = ["up", "mesh"];
const ledgerOf = statement("images_ledger", "select amount from billing.ledger where entry_id = $1 and kind = 1");
const prompt = "A lighthouse at dusk";
/** Nano-USD: 5 tokens of the prompt at $5 a million, and so many of the image at $30. */
const price = (imageTokens: number) => -BigInt(5 * 5_000 + imageTokens * 30_000);

describe.each(modes)("images: %s", (mode) => {
  let house: Deployment;
  let openai: OpenAI;
  beforeAll(async () => {
    house = await startDeployment(mode);
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  }, 90_000);
  afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

  const idOf = (response: Response) => BigInt(response.headers.get("x-request-id") ?? "0");

  async function charged(id: bigint): Promise<bigint> {
    const row = await eventually(async () => (await house.db.query<{ amount: bigint }>(ledgerOf, [id]))[0]);
    return row.amount;
  }

  async function historyOf(id: bigint): Promise<string> {
    const row = await eventually(async () => {
      const response = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
      const { data } = (await response.json()) as { data: { request_id: string; status: string }[] };
      return data.find((one) => one.request_id === id.toString() && one.status !== "processing");
    });
    return JSON.stringify(row);
  }

  test.each([
    ["high", 4_160],
    ["low", 272],
  ] as const)(
    "base64 of quality %s is charged by its tokens, and history keeps its digest alone",
    async (quality, tokens) => {
      const request = { model: "image/sim-plain", prompt, quality, n: 2 };
      const { data, response } = await openai.images.generate(request).withResponse();
      expect(data.data?.map(({ b64_json }) => b64_json?.slice(0, 11))).toEqual(["iVBORw0KGgo", "iVBORw0KGgo"]);
      expect(await charged(idOf(response))).toBe(price(2 * tokens));
      const kept = await historyOf(idOf(response));
      expect(kept).toContain("[image/png, ");
      expect(kept).not.toContain("iVBORw0KGgo");
      expect(kept).toContain('"module":"image"');
    },
  );

  test("addresses come as the upstream gives them", async () => {
    const request = { model: "image/sim-plain", prompt, response_format: "url" } as const;
    const { data, response } = await openai.images.generate(request).withResponse();
    expect(data.data?.[0]?.url).toMatch(/^https:/);
    expect(await historyOf(idOf(response))).toContain("https://simulator.invalid/");
  });

  test("a usage without details of its output is of image tokens", async () => {
    const { response } = await openai.images.generate({ model: "image/sim-no-details", prompt }).withResponse();
    expect(await charged(idOf(response))).toBe(price(4_160));
  });

  test("without any usage the tokens are estimated, and marked", async () => {
    const request = { model: "image/sim-no-usage", prompt, quality: "low", size: "1024x1024" } as const;
    const { response } = await openai.images.generate(request).withResponse();
    expect(await charged(idOf(response))).toBe(price(525));
    await historyOf(idOf(response));
    const record = await house.call(`/v1/requests/${idOf(response)}`);
    expect(await record.json()).toMatchObject({ usage: { estimated: true } });
  });

  test("a stream has its partial images and its end", async () => {
    const request = { model: "image/sim-plain", prompt, stream: true, partial_images: 2 } as const;
    const { data, response } = await openai.images.generate(request).withResponse();
    const types: string[] = [];
    for await (const { type } of data) types.push(type);
    expect(types).toEqual([
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
    ]);
    expect(await charged(idOf(response))).toBe(price(4_160));
    expect(await historyOf(idOf(response))).toContain("[image/png, ");
  });

  test.each([
    ["image/sim-status-500", 502],
    ["image/sim-error-in-200", 502],
    ["image/sim-empty", 502],
  ])("%s: %d with the ID, nothing charged", async (model, status) => {
    const response = await house.call("/v1/images/generations", { model, prompt });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { request_id: idOf(response).toString() } });
    expect(await historyOf(idOf(response))).toContain('"failed"');
    expect(await house.db.query(ledgerOf, [idOf(response)])).toEqual([]);
  });

  test.each([
    [{ model: "image/sim-plain" }, "prompt"],
    [{ model: "image/sim-plain", prompt: "" }, "prompt"],
    [{ model: "image/sim-plain", prompt, n: 11 }, "n"],
    [{ model: "image/sim-plain", prompt, size: "big" }, "size"],
    [{ model: "image/sim-plain", prompt, partial_images: 4 }, "partial_images"],
  ])("%j is refused with the field's name", async (body, param) => {
    const response = await house.call("/v1/images/generations", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
    expect(await historyOf(idOf(response))).toContain('"module":"image"');
  });
});
