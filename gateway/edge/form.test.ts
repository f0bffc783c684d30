import { createHash } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Reservation, ReserveItem } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { readForm } from "../domain/form.ts";
import { each, secrets, startTestGateway, type TestGateway, writeFrames } from "../testing.ts";

const path = "/v1/audio/transcriptions";
const boundary = "----form-test";
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A WAV file of 8 kHz, 8 bit: a second is 8,000 bytes. */
function wav(seconds: number): Buffer {
  const data = Buffer.alloc(Math.round(seconds * 8_000), 0x80);
  for (let at = 0; at < data.length; at += 1) data[at] = (at * 7 + (at >> 9)) % 256;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

interface Sent {
  readonly item: InvokeItem;
  /** The file as the provider reads it, twice. */
  readonly digests: readonly string[];
}

let directory: string;
let gateway: TestGateway;
const sent: Sent[] = [];
const reserved: { digest: string; nano: bigint }[] = [];

const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
  const digests: string[] = [];
  for (let reading = 0; reading < 2; reading += 1) {
    const hash = createHash("sha256");
    for await (const piece of call.body?.from(0) ?? []) hash.update(piece);
    digests.push(hash.digest("hex"));
  }
  sent.push({ item: call.item, digests });
  writeFrames(out, ['{"text":"hello"}']);
  return { usage: {}, firstByte: true };
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "form-test-"));
  gateway = await startTestGateway(
    {
      provider: { invoke },
      billing: {
        reserve: each<ReserveItem, Reservation>((item) => {
          const digest = Buffer.from(item.idempotencyDigest).toString("hex");
          reserved.push({ digest, nano: item.worstCase?.outputTokens ?? 0n });
          return { reservedNanoUsd: 1n };
        }),
        storeAnswer: unaryHandler(async () => ({})),
      },
    },
    {
      spoolDir: directory,
      maxUploadBytes: { audio: 4 * 1024 * 1024, images: 4 * 1024 * 1024, files: 4 * 1024 * 1024 },
    },
  );
});

beforeEach(() => {
  sent.length = 0;
  reserved.length = 0;
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

interface Part {
  readonly name?: string;
  readonly filename?: string;
  readonly type?: string;
  readonly encoding?: string;
  readonly value: Uint8Array | string;
}

function formOf(parts: readonly Part[], { end = true } = {}): Buffer {
  const pieces: Buffer[] = [];
  for (const { name, filename, type, encoding, value } of parts) {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    const named = name === undefined ? "" : `; name="${name}"`;
    const coded = encoding === undefined ? "" : `content-transfer-encoding: ${encoding}\r\n`;
    const content = `${type === undefined ? "" : `content-type: ${type}\r\n`}${coded}`;
    pieces.push(Buffer.from(`--${boundary}\r\ncontent-disposition: form-data${named}${file}\r\n${content}\r\n`));
    pieces.push(Buffer.from(value), Buffer.from("\r\n"));
  }
  if (end) pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}

const model: Part = { name: "model", value: "whisper-1" };
const fileOf = (value: Uint8Array): Part => ({ name: "file", filename: "a.wav", type: "audio/wav", value });

function post(body: Buffer, headers: Record<string, string> = {}, to = path) {
  return fetch(`${gateway.url}${to}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secrets.api}`,
      "content-type": `multipart/form-data; boundary=${boundary}`,
      ...headers,
    },
    body: new Uint8Array(body),
  });
}

/** Files of the spool that this process has open, by their descriptors. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
}

async function nothingLeft(): Promise<void> {
  expect(readdirSync(directory)).toEqual([]);
  await vi.waitFor(() => expect(openFiles()).toBe(0));
}

describe("a form", () => {
  test.each([
    ["file first, in memory", [fileOf(wav(2)), model], 2_000],
    ["file last, in memory", [model, fileOf(wav(2))], 2_000],
    ["file first, in a file", [fileOf(wav(300)), model], 300_000],
    ["file last, in a file", [model, fileOf(wav(300))], 300_000],
  ])("is served with its parts in order and its bytes as they came: %s", async (_name, parts, ms) => {
    const response = await post(formOf([...parts, { name: "timestamp_granularities[]", value: "word" }, verbose]));
    expect([response.status, await response.json()]).toEqual([200, { text: "hello" }]);
    const file = Buffer.from(parts.find(({ filename }) => filename !== undefined)?.value ?? "");
    const [{ item, digests } = { item: undefined, digests: [] }] = sent;
    expect(digests).toEqual([sha256(file), sha256(file)]);
    expect(item?.form.map(({ name }) => name)).toEqual([
      ...parts.map(({ name }) => name),
      "timestamp_granularities[]",
      "response_format",
    ]);
    expect(item).toMatchObject({
      dialect: "openai.transcription",
      model: "whisper-1",
      bodyLength: BigInt(file.length),
      inputAudioMs: BigInt(ms),
    });
    await vi.waitFor(() => expect(gateway.recorded.at(-1)?.detail?.notes.join()).toContain(sha256(file)));
    await nothingLeft();
  });

  test.each(["7bit", "8bit", "binary", "BINARY"])("may say that a part is sent as it is: %s", async (encoding) => {
    const parts = [fileOf(wav(1)), model].map((part) => ({ ...part, encoding }));
    expect((await post(formOf(parts))).status).toBe(200);
  });

  test("the names of its files are theirs, whatever they are", async () => {
    const odd = { ...fileOf(wav(1)), filename: "naïve, “file”.wav", type: "audio/x-odd" };
    expect((await post(formOf([odd, model]))).status).toBe(200);
    expect(sent[0]?.item.form[0]?.content.value).toMatchObject({
      filename: "naïve, “file”.wav",
      contentType: "audio/x-odd",
    });
  });

  test("with an Idempotency-Key has a digest of its parts, not of its boundaries", async () => {
    const key = { "idempotency-key": "k-1" };
    const parts = [model, fileOf(wav(1))];
    const other = formOf(parts).toString("latin1").replaceAll(boundary, "other-boundary");
    await post(formOf(parts), key);
    await post(Buffer.from(other, "latin1"), {
      ...key,
      "content-type": "multipart/form-data; boundary=other-boundary",
    });
    await post(formOf([model, fileOf(wav(1.001))]), key);
    await post(formOf([model, fileOf(wav(1)), { name: "prompt", value: "x" }]), key);
    const digests = reserved.map(({ digest }) => digest);
    expect(digests[0]).toHaveLength(64);
    expect(digests[1]).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
  });
});

const verbose: Part = { name: "response_format", value: "verbose_json" };

describe("a form that is refused reserves nothing and leaves nothing", () => {
  const whole = [fileOf(wav(200)), model];
  const many = Array.from({ length: 201 }, (_, index) => ({ name: `x${index}`, value: "1" }));
  test.each<[string, Buffer, Record<string, string>, number, string | undefined]>([
    ["no file", formOf([model]), {}, 400, "file"],
    ["an empty file", formOf([fileOf(Buffer.alloc(0)), model]), {}, 400, "file"],
    ["a file that is a field", formOf([{ name: "file", value: "text" }, model]), {}, 400, "file"],
    ["a field that is a file", formOf([...whole, { ...fileOf(wav(1)), name: "prompt" }]), {}, 400, "prompt"],
    ["no model", formOf([fileOf(wav(1))]), {}, 400, "model"],
    ["an empty model", formOf([fileOf(wav(1)), { name: "model", value: "" }]), {}, 400, "model"],
    ["two models", formOf([...whole, model]), {}, 400, "model"],
    ["two files", formOf([...whole, fileOf(wav(1))]), {}, 400, "file"],
    ["a file of no endpoint", formOf([...whole, { ...fileOf(wav(1)), name: "image" }]), {}, 400, "image"],
    ["an unknown field twice", formOf([...whole, ...["a", "b"].map((value) => ({ name: "x", value }))]), {}, 400, "x"],
    ["a number that is none", formOf([...whole, { name: "temperature", value: "warm" }]), {}, 400, "temperature"],
    ["a boolean that is none", formOf([...whole, { name: "stream", value: "maybe" }]), {}, 400, "stream"],
    ["an unknown format", formOf([...whole, { name: "response_format", value: "xml" }]), {}, 400, "response_format"],
    [
      "a granularity without its format",
      formOf([...whole, { name: "timestamp_granularities[]", value: "word" }]),
      {},
      400,
      "timestamp_granularities",
    ],
    ["a file in base64", formOf([{ ...fileOf(wav(1)), encoding: "Base64" }, model]), {}, 400, "file"],
    ["a field of mail", formOf([fileOf(wav(1)), { ...model, encoding: "quoted-printable" }]), {}, 400, "model"],
    ["a name in other letters", formOf([...whole, { name: "Stream", value: "true" }]), {}, 400, "Stream"],
    ["a part without a name", formOf([...whole, { value: "x" }]), {}, 400, undefined],
    ["a name that is too long", formOf([...whole, { name: "n".repeat(300), value: "x" }]), {}, 400, undefined],
    ["too many parts", formOf([...whole, ...many]), {}, 400, undefined],
    ["a field that is too large", formOf([{ name: "prompt", value: "x".repeat(1_100_000) }, model]), {}, 413, "prompt"],
    ["a file that is too large", formOf([fileOf(Buffer.alloc(5_000_000)), model]), {}, 413, undefined],
    ["no end", formOf(whole, { end: false }), {}, 400, undefined],
    ["an end within a file", formOf(whole).subarray(0, 400_000), {}, 400, undefined],
    ["an end within a head", formOf(whole).subarray(0, 60), {}, 400, undefined],
    ["no part at all", Buffer.from(`--${boundary}--\r\n`), {}, 400, "file"],
    ["nothing at all", Buffer.alloc(0), {}, 400, undefined],
    ["another boundary", formOf(whole), { "content-type": "multipart/form-data; boundary=x" }, 400, undefined],
    ["no boundary", formOf(whole), { "content-type": "multipart/form-data" }, 400, "Content-Type"],
    ["JSON", Buffer.from("{}"), { "content-type": "application/json" }, 415, "Content-Type"],
    ["another form", Buffer.from("a=b"), { "content-type": "application/x-www-form-urlencoded" }, 415, "Content-Type"],
    ["compressed", formOf(whole), { "content-encoding": "gzip" }, 415, "Content-Encoding"],
  ])("%s", async (_name, body, headers, status, param) => {
    const response = await post(body, headers);
    const answer = (await response.json()) as { error: { param?: string | null; request_id: string } };
    expect([response.status, answer.error.param ?? undefined]).toEqual([status, param]);
    expect(answer.error.request_id).toBe(response.headers.get("x-request-id"));
    expect([sent, reserved]).toEqual([[], []]);
    await nothingLeft();
  });

  test("a form of unknown length that grows too large is refused while it comes", async () => {
    const part = formOf([fileOf(Buffer.alloc(0))], { end: false });
    const answer = await stream([part, ...Array.from({ length: 100 }, () => Buffer.alloc(60_000))], "chunked");
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    await nothingLeft();
  });

  test("a stranger's form is not read", async () => {
    const response = await post(formOf(whole), { authorization: "Bearer unknown" });
    expect(response.status).toBe(401);
    await nothingLeft();
  });

  test("a client that leaves in the middle is recorded as one that left", async () => {
    const before = gateway.recorded.length;
    const body = formOf(whole);
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(headOf(`content-length: ${body.length}`));
    socket.write(body.subarray(0, 1_300_000));
    await vi.waitFor(() => expect(openFiles()).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(gateway.recorded.length).toBe(before + 1));
    expect(gateway.recorded.at(-1)).toMatchObject({ errorCode: "client_closed_request" });
    await nothingLeft();
  });
});

describe("a request has its time to arrive", () => {
  let slow: TestGateway;
  const times = { receiveTimeoutMs: 600, headTimeoutMs: 300 };
  beforeAll(async () => {
    slow = await startTestGateway({ provider: { invoke } }, { spoolDir: directory, ...times });
  });
  afterAll(() => slow[Symbol.asyncDispose]());

  /** Sends a head and a beginning, the rest as soon as `goOn` resolves, and gives what comes back. */
  async function sendSlowly(head: string, beginning: Buffer, goOn: Promise<unknown>, rest: Buffer): Promise<string> {
    const socket = connect(slow.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    const closed = new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
    socket.write(head);
    socket.write(beginning);
    await Promise.race([goOn, closed]);
    if (!socket.destroyed) socket.write(rest);
    await closed;
    return answer;
  }
  const never = new Promise(() => {});

  test("and a form more of it while it keeps its pace, whatever its class may hold", async () => {
    const body = formOf([fileOf(wav(200)), model]);
    const length = `content-length: ${body.length}\r\nconnection: close`;
    // So much has come that it may take six seconds; it takes twice the time that other requests have.
    const later = new Promise((resolve) => setTimeout(resolve, 2 * times.receiveTimeoutMs));
    const answer = await sendSlowly(headOf(length), body.subarray(0, -1_000), later, body.subarray(-1_000));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const tooSlow = await sendSlowly(headOf(length), body.subarray(0, 200_000), never, body);
    expect(tooSlow).toMatch(/^HTTP\/1\.1 400 .*did not arrive in time/s);
    await nothingLeft();
  });

  test.each([
    ["a form of which nothing comes", headOf("content-length: 1000000"), ""],
    ["JSON, however much of it has come", jsonHead(4_000_000), `{"input": "${"x".repeat(1_000_000)}`],
  ])("%s is cut", async (_name, head, beginning) => {
    const answer = await sendSlowly(head, Buffer.from(beginning), never, Buffer.alloc(0));
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*did not arrive in time/s);
  });
});

function jsonHead(length: number): string {
  return `POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secrets.api}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}

test("the disk that uploads take together is bounded: beyond it 503 before the body", async () => {
  const small = await startTestGateway({ provider: { invoke } }, { spoolDir: directory, spoolBytes: 3_000_000 });
  const body = formOf([fileOf(wav(200)), model]);
  const socket = connect(small.port, "127.0.0.1");
  socket.write(headOf(`content-length: ${body.length}`));
  socket.write(body.subarray(0, 1_300_000));
  await vi.waitFor(() => expect(openFiles()).toBe(1));
  const send = () =>
    fetch(`${small.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${secrets.api}`, "content-type": `multipart/form-data; boundary=${boundary}` },
      body: new Uint8Array(body),
    });
  expect((await send()).status).toBe(503);
  socket.destroy();
  await vi.waitFor(() => expect(openFiles()).toBe(0));
  expect((await send()).status).toBe(200);
  await small[Symbol.asyncDispose]();
});

test("a disk that cannot be written is our fault, not the form's; what fits into memory is served all the same", async () => {
  const broken = await startTestGateway({ provider: { invoke } }, { spoolDir: join(directory, "not-there") });
  const send = (seconds: number) =>
    fetch(`${broken.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${secrets.api}`, "content-type": `multipart/form-data; boundary=${boundary}` },
      body: new Uint8Array(formOf([fileOf(wav(seconds)), model])),
    });
  const response = await send(200);
  expect([response.status, await response.json()]).toMatchObject([500, { error: { code: "internal_error" } }]);
  expect(JSON.stringify(broken.lines)).toContain("ENOENT");
  expect((await send(2)).status).toBe(200);
  await broken[Symbol.asyncDispose]();
});

function headOf(framing: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secrets.api}\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n${framing}\r\n\r\n`;
}

/** Sends pieces as chunks, and gives what comes back. */
function stream(pieces: readonly Buffer[], coding: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("error", () => {}).on("close", () => resolve(answer));
    socket.setTimeout(10_000, () => reject(new Error("no end")));
    socket.write(headOf(`transfer-encoding: ${coding}`));
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n");
    }
    socket.write("0\r\n\r\n");
  });
}

test.each(["constructor", "__proto__", "toString", "hasOwnProperty[]"])("a field may be called %s", (name) => {
  const spec = { fields: { model: { kind: "text" } }, files: { file: { most: 1 } } } as const;
  expect(readForm(spec, [{ name, value: "x" }]).text(name)).toBe("x");
  const file = { name, filename: "a", contentType: "", offset: 0, length: 1, sha256: "" };
  expect(() => readForm(spec, [file])).toThrow(`${name} must not be a file.`);
});
