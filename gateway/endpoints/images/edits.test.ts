import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../../../shared/rpc/index.ts";
import { Unit } from "../../../shared/units.ts";
import { each, secrets, startTestGateway, type TestGateway, writeFrames } from "../../testing.ts";

/* What the form of an edit may be. Whatever is wrong with it is told by its field and the ID; nothing is reserved or left. */

const maxBytes = 100_000;
let directory: string;
let gateway: TestGateway;
const sent: InvokeItem[] = [];
const reserved: ReserveItem[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "edits-test-"));
  const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    sent.push(call.item);
    for await (const _piece of call.body?.from(0) ?? []);
    writeFrames(out, ['{"data":[]}']);
    return { usage: {}, firstByte: true };
  });
  gateway = await startTestGateway(
    {
      provider: { invoke },
      billing: {
        reserve: each<ReserveItem, Reservation>((item) => {
          reserved.push(item);
          return { reservedNanoUsd: 1n };
        }),
      },
    },
    { spoolDir: directory, maxUploadBytes: { audio: maxBytes, images: maxBytes, files: maxBytes } },
  );
});
beforeEach(() => {
  sent.length = 0;
  reserved.length = 0;
});
afterEach(() => expect(readdirSync(directory)).toEqual([]));
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(2_000)]);
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(2_000)]);
type Part = readonly [name: string, value: string | Buffer];
const image: Part = ["image", png];
const prompt: Part = ["prompt", "a hat"];
const model: Part = ["model", "gpt-image-2"];

function formOf(parts: readonly Part[]): FormData {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)], { type: "application/octet-stream" }), "a file");
  }
  return form;
}

const headers = { authorization: `Bearer ${secrets.api}` };
const post = (body: FormData | string, more: Record<string, string> = {}, path = "/v1/images/edits") =>
  fetch(`${gateway.url}${path}`, { method: "POST", headers: { ...headers, ...more }, body });

async function refused(response: Response) {
  const { error, request_id } = (await response.json()) as {
    error: { param: string | null; code: string };
    request_id: string;
  };
  expect(request_id).toMatch(/^\d+$/);
  expect(response.headers.get("x-request-id")).toBe(request_id);
  expect([reserved.length, sent.length]).toEqual([0, 0]);
  return { status: response.status, code: error.code, param: error.param };
}

describe("is refused, by its field", () => {
  const invalid = (param: string) => ({ status: 400, code: "invalid_value", param });
  const missing = (param: string) => ({ status: 400, code: "missing_required_field", param });
  test.each<[string, readonly Part[], { status: number; code: string; param: string | null }]>([
    ["no file", [prompt, model], missing("image")],
    ["an empty file", [["image", Buffer.alloc(0)], prompt, model], invalid("image")],
    ["a file that is no image", [["image", Buffer.from("%PDF-1.7 and so on")], prompt, model], invalid("image")],
    ["a mask that is no image", [image, ["mask", Buffer.from("black")], prompt, model], invalid("mask")],
    ["an image that is a text", [["image", "https://x.test/a.png"], prompt, model], invalid("image")],
    ["17 images", [...Array<Part>(17).fill(["image[]", png]), prompt, model], invalid("image")],
    ["two masks", [image, ["mask", png], ["mask", png], prompt, model], invalid("mask")],
    ["a file of another name", [image, ["picture", png], prompt, model], invalid("picture")],
    ["no model", [image, prompt], missing("model")],
    ["two models", [image, prompt, model, model], invalid("model")],
    ["a model that is a file", [image, prompt, ["model", png]], invalid("model")],
    ["no prompt", [image, model], missing("prompt")],
    ["a prompt twice", [image, prompt, prompt, model], invalid("prompt")],
    ["a field in capitals", [image, prompt, model, ["N", "2"]], invalid("N")],
    ["n of 0", [image, prompt, model, ["n", "0"]], invalid("n")],
    ["n of 11", [image, prompt, model, ["n", "11"]], invalid("n")],
    ["n of a half", [image, prompt, model, ["n", "1.5"]], invalid("n")],
    ["n in words", [image, prompt, model, ["n", "two"]], invalid("n")],
    ["a size that is none", [image, prompt, model, ["size", "large"]], invalid("size")],
    ["a quality that is none", [image, prompt, model, ["quality", "best"]], invalid("quality")],
    ["a fidelity that is none", [image, prompt, model, ["input_fidelity", "full"]], invalid("input_fidelity")],
    ["4 partial images", [image, prompt, model, ["partial_images", "4"]], invalid("partial_images")],
    ["a stream that is maybe", [image, prompt, model, ["stream", "maybe"]], invalid("stream")],
    ["a format that is none", [image, prompt, model, ["response_format", "jpeg"]], invalid("response_format")],
    [
      "201 parts",
      [image, prompt, model, ...Array.from({ length: 198 }, (_, at): Part => [`x${at}`, ""])],
      { status: 400, code: "invalid_value", param: null },
    ],
    [
      "more bytes than a form may have",
      [["image", Buffer.concat([png, Buffer.alloc(maxBytes)])], prompt, model],
      { status: 413, code: "request_too_large", param: null },
    ],
  ])("%s", async (_what, parts, expected) => {
    expect(await refused(await post(formOf(parts)))).toEqual(expected);
  });

  test("neither a form nor JSON", async () => {
    const response = await post("{}", { "content-type": "text/plain" });
    expect(await refused(response)).toEqual({ status: 415, code: "invalid_value", param: "Content-Type" });
  });

  test("a form that breaks off", async () => {
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), "127.0.0.1");
    const head = `POST /v1/images/edits HTTP/1.1\r\nhost: x\r\nauthorization: ${headers.authorization}\r\ncontent-type: multipart/form-data; boundary=b\r\nconnection: close\r\ncontent-length:`;
    const body = '--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na h';
    socket.write(`${head} ${body.length}\r\n\r\n${body}`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('"code":"invalid_value"');
    expect([reserved.length, sent.length]).toEqual([0, 0]);
  });
});

describe("passes", () => {
  test.each<[string, readonly Part[]]>([
    ["file first", [image, prompt, model]],
    ["file last", [model, prompt, image]],
  ])("%s, with the type that its bytes say", async (_what, parts) => {
    expect((await post(formOf(parts))).status).toBe(200);
    const [item] = sent;
    expect(item).toMatchObject({ dialect: "openai.image_edits", model: "gpt-image-2", stream: false });
    expect(item?.form.map(({ name }) => name)).toEqual(parts.map(([name]) => name));
    const file = item?.form.find(({ content }) => content.case === "file")?.content.value;
    expect(file).toMatchObject({ contentType: "image/png", length: BigInt(png.length) });
  });

  test("16 images, a mask and all other fields: held are the dearest that they allow", async () => {
    const images = Array.from({ length: 16 }, (_, at): Part => ["image[]", at % 2 === 0 ? png : jpeg]);
    const more: Part[] = [
      ["n", "2"],
      ["size", "1024x1024"],
      ["quality", "high"],
      ["input_fidelity", "high"],
      ["vendor_field", "x"],
    ];
    expect((await post(formOf([...images, ["mask", png], prompt, model, ...more]))).status).toBe(200);
    const worst = reserved[0]?.worstCase;
    const amountOf = (unit: Unit) => worst?.more.find((one) => one.unit === unit)?.amount;
    expect(worst).toMatchObject({ images: 2n, traits: { size: "1024x1024", quality: "high" } });
    expect(amountOf(Unit.INPUT_IMAGE_TOKENS)).toBe(17n * 7_500n);
    expect(amountOf(Unit.OUTPUT_IMAGE_TOKENS)).toBe(2n * BigInt(Math.ceil(1.048576 * 7_500)));
    expect(amountOf(Unit.INPUT_IMAGES)).toBe(17n);
    const types = sent[0]?.form.flatMap(({ content }) => (content.case === "file" ? [content.value.contentType] : []));
    expect(new Set(types)).toEqual(new Set(["image/png", "image/jpeg"]));
  });

  test("a size and a quality that are open are no traits that are certain", async () => {
    await post(formOf([image, prompt, model, ["size", "auto"], ["quality", "auto"]]));
    expect(reserved[0]?.worstCase?.traits).toEqual({});
  });
});

describe("variations", () => {
  test("say what became of them, to whoever has a key", async () => {
    const response = await post(formOf([image, model]), {}, "/v1/images/variations");
    expect(await refused(response)).toEqual({ status: 404, code: "not_found", param: null });
    const stranger = await fetch(`${gateway.url}/v1/images/variations`, { method: "POST" });
    expect(stranger.status).toBe(401);
  });

  test("name what takes their place", async () => {
    const response = await post("{}", { "content-type": "application/json" }, "/v1/images/variations");
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining("/v1/images/edits") } });
  });
});
