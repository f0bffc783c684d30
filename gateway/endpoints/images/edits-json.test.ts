import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../../shared/rpc/index.ts";
import { Unit } from "../../../shared/units.ts";
import { each, secrets, startTestGateway, type TestGateway, writeFrames } from "../../testing.ts";

/* The JSON of an edit becomes the form that says the same; what is wrong with it is told by its path, and nothing is reserved or left. */

const maxBytes = 6_000;
const pngHead = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const png = Buffer.concat([pngHead, Buffer.alloc(2_000, 1)]);
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(1_000, 2)]);
/** Files of the caller's, by their IDs. */
const files: Readonly<Record<string, Buffer>> = { 201: jpeg, 202: Buffer.from("%PDF-1.7"), 203: Buffer.alloc(9_000) };

let directory: string;
let gateway: TestGateway;
const sent: { item: InvokeItem; bytes: Buffer }[] = [];
const reserved: ReserveItem[] = [];

function fileWith(id: bigint): Buffer {
  const file = files[id.toString()];
  if (file === undefined) throw new ThroughlineError("not_found", "There is no such file.");
  return file;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "edits-json-test-"));
  const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of call.body?.from(0) ?? []) pieces.push(piece);
    sent.push({ item: call.item, bytes: Buffer.concat(pieces) });
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
      jobs: {
        getFile: unaryHandler(async ({ fileId }) => {
          const bytes = BigInt(fileWith(fileId).length);
          return { file: { fileId, bytes, filename: "boat.bin", contentType: "application/octet-stream" } };
        }),
        readObject: unaryHandler(async ({ objectId, offset, maxBytes: most }) => {
          const data = fileWith(objectId).subarray(Number(offset), Number(offset) + Math.min(most, 300));
          return { data, bytes: BigInt(fileWith(objectId).length) };
        }),
      },
    },
    {
      spoolDir: directory,
      bodyLimitBytes: 100_000,
      maxUploadBytes: { audio: maxBytes, images: maxBytes, files: maxBytes },
    },
  );
});
beforeEach(() => {
  sent.length = 0;
  reserved.length = 0;
});
afterEach(async () => expect(await readdir(directory)).toEqual([]));
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const dataUrl = (bytes: Buffer, type = "image/png") => `data:${type};base64,${bytes.toString("base64")}`;
const good = { model: "gpt-image-2", prompt: "a hat", images: [{ image_url: dataUrl(png) }] };

const post = (body: unknown, more: Record<string, string> = {}, path = "/v1/images/edits") =>
  fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${secrets.api}`, "content-type": "application/json", ...more },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

test("pictures of data and of files go on as the files of a form, with the type that their bytes say", async () => {
  const images = [{ image_url: dataUrl(png, "text/plain") }, { file_id: "file-201" }];
  const body = { ...good, images, mask: { image_url: dataUrl(png) }, n: 2, quality: "high", user: null, seed: 7 };
  expect((await post(body)).status).toBe(200);
  const [{ item, bytes } = { item: undefined, bytes: Buffer.alloc(0) }] = sent;
  expect(item).toMatchObject({ dialect: "openai.image_edits", model: "gpt-image-2", stream: false });
  const parts = (item?.form ?? []).map(({ name, content }) => {
    if (content.case !== "file") return [name, content.value];
    const { contentType, filename, offset, length } = content.value;
    return [name, contentType, filename, bytes.subarray(Number(offset), Number(offset + length))];
  });
  expect(parts).toEqual([
    ["image[]", "image/png", "image.png", png],
    ["image[]", "image/jpeg", "boat.bin", jpeg],
    ["mask", "image/png", "image.png", png],
    ["model", "gpt-image-2"],
    ["prompt", "a hat"],
    ["n", "2"],
    ["quality", "high"],
    ["seed", "7"],
  ]);
  const worst = reserved[0]?.worstCase;
  expect(worst).toMatchObject({ images: 2n, traits: { quality: "high" } });
  expect(worst?.more.find(({ unit }) => unit === Unit.INPUT_IMAGES)?.amount).toBe(3n);
});

test("one picture has the name that vendors of one picture know; an address names the model", async () => {
  const { model: _, ...rest } = good;
  expect((await post(rest, {}, "/openai/deployments/gpt-image-2/images/edits")).status).toBe(200);
  expect(sent[0]?.item.model).toBe("gpt-image-2");
  expect(sent[0]?.item.form[0]?.name).toBe("image");
});

test("a stream is asked for as in a form", async () => {
  await post({ ...good, stream: true, partial_images: 2 });
  expect(sent[0]?.item.stream).toBe(true);
});

describe("is refused, by its path", () => {
  const invalid = (param: string | null) => ({ status: 400, code: "invalid_value", param });
  const missing = (param: string) => ({ status: 400, code: "missing_required_field", param });
  const tooLarge = { status: 413, code: "request_too_large", param: null };
  const withImage = (one: unknown) => ({ ...good, images: [good.images[0], one] });
  test.each<[string, unknown, { status: number; code: string; param: string | null }]>([
    ["no images", { ...good, images: undefined }, missing("images")],
    ["an empty list of them", { ...good, images: [] }, invalid("images")],
    ["17 images", { ...good, images: Array(17).fill(good.images[0]) }, invalid("images")],
    ["an image that is a text", { ...good, images: ["x"] }, invalid("images[0]")],
    ["an image that names nothing", withImage({}), invalid("images[1]")],
    ["an image of two names", withImage({ file_id: "file-201", image_url: dataUrl(png) }), invalid("images[1]")],
    ["data that is none", withImage({ image_url: "data:image/png;base64,!!" }), invalid("images[1].image_url")],
    ["data without a byte", withImage({ image_url: "data:image/png;base64," }), invalid("images[1].image_url")],
    ["data that is no image", withImage({ image_url: dataUrl(Buffer.from("%PDF")) }), invalid("images[1]")],
    ["an address", withImage({ image_url: "https://x.test/a.png" }), invalid("images[1].image_url")],
    ["a file that is not there", withImage({ file_id: "file-999" }), invalid("images[1].file_id")],
    ["a file that has no such name", withImage({ file_id: "nobody" }), invalid("images[1].file_id")],
    ["a file that is no image", withImage({ file_id: "file-202" }), invalid("images[1]")],
    ["files of more bytes than a form may have", withImage({ file_id: "file-203" }), tooLarge],
    ["a mask that is none", { ...good, mask: { image_url: "data:," } }, invalid("mask.image_url")],
    ["no model", { ...good, model: undefined }, missing("model")],
    ["no prompt", { ...good, prompt: undefined }, missing("prompt")],
    ["n of a half", { ...good, n: 1.5 }, invalid("n")],
    ["n in words", { ...good, n: "2" }, invalid("n")],
    ["a field in capitals", { ...good, N: 2 }, invalid("N")],
    ["a name that stands twice", `{"model":"a",${JSON.stringify(good).slice(1)}`, invalid("model")],
    ["what is no JSON", "{", invalid(null)],
    ["a list", "[]", invalid(null)],
    ["more bytes than a body may have", { ...good, x: "x".repeat(100_000) }, tooLarge],
  ])("%s", async (_what, body, expected) => {
    const response = await post(body);
    const { error, request_id } = (await response.json()) as {
      error: { code: string; param: string | null };
      request_id: string;
    };
    expect({ status: response.status, code: error.code, param: error.param }).toEqual(expected);
    expect(response.headers.get("x-request-id")).toBe(request_id);
    expect([reserved.length, sent.length]).toEqual([0, 0]);
  });
});
