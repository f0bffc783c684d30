import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
import OpenAI from "openai";
import { beforeAll, expect, test } from "vitest";
import { parseForm, type SimulatedForm } from "../../../services/simulator/formats/audio.ts";
import { statement } from "../../../shared/db/index.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/*
 * Images: one document and events, as the SDKs that applications use ask for them (openai for Node and for
 * Python, the AI SDK), each kind of token at its price.
 */

const run = promisify(execFile);

const ledgerOf = statement("images_ledger", "select amount from billing.ledger where entry_id = $1 and kind = 1");
const prompt = "A lighthouse at dusk";
/** Nano-USD: 5 tokens of the prompt and those of images that were given at $5 a million, and so many of the images at $30. */
const price = (imageTokens: number, givenTokens = 0) => -BigInt((5 + givenTokens) * 5_000 + imageTokens * 30_000);
/** Tokens of an image that is given, as the simulator counts. */
const given = 323;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const pngs = ["one", "two"].map((text) =>
  Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(1_500_000, text)]),
);

/** openai for Python: plain, n of 2, both ways back, a stream, and an edit of two files. */
const python = `
import base64, sys
from openai import OpenAI
url, key, model, prompt = sys.argv[1:]
png = b"\\x89PNG\\r\\n\\x1a\\n" + b"a picture" * 500
client = OpenAI(api_key=key, base_url=url, max_retries=0)
is_png = lambda text: base64.b64decode(text).startswith(b"\\x89PNG")
two = client.images.generate(model=model, prompt=prompt, n=2, response_format="b64_json")
assert [is_png(image.b64_json) for image in two.data] == [True, True], two
assert two.usage.input_tokens_details.text_tokens > 0
one = client.images.generate(model="image/sim-plain", prompt=prompt, response_format="url")
assert one.data[0].url.startswith("http"), one
events = list(client.images.generate(model=model, prompt=prompt, stream=True, partial_images=2))
assert [event.type.split(".")[1] for event in events] == ["partial_image", "partial_image", "completed"], events
assert is_png(events[-1].b64_json) and events[-1].usage.output_tokens > 0
edit = client.images.edit(model=model, prompt=prompt, image=[("a.png", png), ("b.png", png)])
assert is_png(edit.data[0].b64_json) and edit.usage.input_tokens_details.image_tokens > 0
edits = list(client.images.edit(model=model, prompt=prompt, image=("a.png", png), stream=True))
assert edits[-1].type == "image_edit.completed", edits
`;
const hasPython = await run("python3", ["-c", "import openai"]).then(
  () => true,
  () => false,
);

/** The tests of a deployment. */
export function testImages(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let openai: OpenAI;
  beforeAll(() => {
    house = houseOf();
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  });

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

  const files = () => Promise.all(pngs.map((bytes, at) => OpenAI.toFile(bytes, `${at}.png`)));

  function received(id: bigint): SimulatedForm {
    const request = house.simulator.requests.find(({ clientRequestId }) => clientRequestId === id.toString());
    const type = request?.headers["content-type"] ?? "";
    return (parseForm(request?.body ?? Buffer.alloc(0), type) as unknown as { form: SimulatedForm }).form;
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

  test("addresses stand in for data that an upstream gives, and custom_response has their digests", async () => {
    const request = { model: "gpt-image-2", prompt, response_format: "url", n: 2 } as const;
    const { data, response } = await openai.images.generate(request).withResponse();
    const urls = data.data?.map(({ url }) => url) ?? [];
    expect((await fetch(urls[0] ?? "")).headers.get("content-type")).toBe("image/png");
    // OpenAI gives data, which a record keeps as its digest.
    const kept = expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:[0-9a-f]{64}\]$/);
    const record: unknown = JSON.parse(await historyOf(idOf(response)));
    expect(record).toMatchObject({ custom_response: { image_urls: [kept, kept] } });
  });

  test("data at an address of this network is not fetched, and costs nothing", async () => {
    const request = { model: "image/sim-addresses", prompt, response_format: "b64_json" } as const;
    const failure = await openai.images.generate(request).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 502, error: { message: expect.stringContaining("could not be fetched") } });
    const id = BigInt((failure as { error: { request_id: string } }).error.request_id);
    expect(await historyOf(id)).toContain('"failed"');
    expect(await house.db.query(ledgerOf, [id])).toEqual([]);
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
    ["first", (image: File[]) => ({ image, model: "image/sim-plain", prompt, n: 2 })],
    ["last", (image: File[]) => ({ model: "image/sim-slow-read-1", prompt, n: 2, image })],
  ])(
    "an edit with its two files %s: the upstream gets them as they were, history their digests",
    async (_where, make) => {
      const { data, response } = await openai.images.edit(make(await files())).withResponse();
      expect(data.data?.map(({ b64_json }) => b64_json?.slice(0, 11))).toEqual(["iVBORw0KGgo", "iVBORw0KGgo"]);
      const id = idOf(response);
      expect(received(id).parts.map(({ name, type, bytes }) => [name, type, sha256(bytes)])).toEqual(
        pngs.map((bytes) => ["image[]", "image/png", sha256(bytes)]),
      );
      expect(await charged(id)).toBe(price(2 * 4_160, 2 * given));
      const kept = await historyOf(id);
      expect(kept).not.toContain("iVBORw0KGgo");
      const life = JSON.stringify(await (await house.call(`/v1/requests/${id}`)).json());
      for (const bytes of pngs) expect(life).toContain(sha256(bytes));
      expect(readdirSync(house.spool)).toEqual([]);
    },
  );

  test("an edit of one file with a mask, as a stream", async () => {
    const [image, mask] = await files();
    if (image === undefined || mask === undefined) throw new Error("no files");
    const request = { model: "image/sim-partials-1", prompt, image, mask, stream: true } as const;
    const { data, response } = await openai.images.edit(request).withResponse();
    const types: string[] = [];
    for await (const { type } of data) types.push(type);
    expect(types).toEqual(["image_edit.partial_image", "image_edit.completed"]);
    expect(received(idOf(response)).parts.map(({ name }) => name)).toEqual(["image", "mask"]);
    expect(await charged(idOf(response))).toBe(price(4_160, given));
  });

  test("an edit that is repeated with its Idempotency-Key gets the first answer; other files are refused", async () => {
    const headers = { "idempotency-key": "edit-once" };
    const ask = (image: File[]) =>
      openai.images.edit({ model: "image/sim-plain", prompt, image }, { headers }).withResponse();
    const first = await ask(await files());
    const again = await ask(await files());
    expect(again.response.headers.get("idempotent-replayed")).toBe("true");
    expect(again.data).toEqual(first.data);
    await expect(ask((await files()).toReversed())).rejects.toMatchObject({ status: 422 });
  });

  test("AI SDK: generateImage of a prompt, and of a prompt and images", async () => {
    const provider = createOpenAICompatible({ name: "house", baseURL: `${house.url}/v1`, apiKey: house.key });
    const model = provider.imageModel("gpt-image-2");
    const { images } = await generateImage({ model, prompt, n: 2, maxRetries: 0 });
    expect(images.map(({ mediaType }) => mediaType)).toEqual(["image/png", "image/png"]);
    const asked = { text: prompt, images: pngs };
    const edited = await generateImage({ model, prompt: asked, size: "1024x1024", maxRetries: 0 });
    expect(Buffer.from(edited.image.uint8Array).subarray(1, 4).toString()).toBe("PNG");
    const last = house.simulator.requests.findLast(({ path }) => path === "/v1/images/edits");
    for (const bytes of pngs) expect(last?.body.includes(bytes)).toBe(true);
  });

  test.runIf(hasPython)("openai for Python, where it is installed", async () => {
    await run("python3", ["-c", python, `${house.url}/v1`, house.key, "gpt-image-2", prompt]);
  });

  test.each([
    ["image/sim-status-500", 502],
    ["image/sim-error-in-200", 502],
    ["image/sim-empty", 502],
    ["image/sim-drop-stream", 502],
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
}
