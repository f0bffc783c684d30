import { once } from "node:events";
import { connect } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../../shared/rpc/index.ts";
import { jsonBounds } from "../domain/json-names.ts";
import { secrets, startTestGateway, type TestGateway, writeFrames } from "../testing.ts";

/* Bodies as clients send them: compressed, with a byte order mark, announced with Expect; and pages of other origins. */

const chat = "/v1/chat/completions";
const hello = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };
const text = JSON.stringify(hello);
const page = "https://app.example.com";

const invoked: InvokeItem[] = [];
const invoke = streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
  invoked.push(item);
  writeFrames(out, ['{"ok":true}']);
  return { usage: { inputTokens: 3n, outputTokens: 2n }, finishReason: "stop", firstByte: true };
});

let gateway: TestGateway;
beforeAll(async () => {
  const config = { corsOrigins: [page], bodyMemoryBytes: 20 * 1024 * 1024, invalidRequestsPerMinute: 0 };
  gateway = await startTestGateway({ provider: { invoke } }, config);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const json = { authorization: `Bearer ${secrets.api}`, "content-type": "application/json" };
const post = (body: Uint8Array | string, headers: Record<string, string> = {}) =>
  fetch(gateway.url + chat, { method: "POST", headers: { ...json, ...headers }, body: Buffer.from(body) });
/** What travelled on of the newest request. */
const sent = () => Buffer.from(invoked.at(-1)?.body ?? []).toString();

describe("a compressed body", () => {
  const codings = {
    gzip: gzipSync,
    "x-gzip": gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    " GZip ": gzipSync,
  };

  it.each(Object.entries(codings))("%s is unpacked, and travels on as it was", async (coding, pack) => {
    const response = await post(pack(Buffer.from(text)), { "content-encoding": coding });
    expect(response.status).toBe(200);
    expect(sent()).toBe(text);
  });

  it("of a bare deflate stream, as some clients send it", async () => {
    expect((await post(deflateRawSync(text), { "content-encoding": "deflate" })).status).toBe(200);
    expect(sent()).toBe(text);
  });

  it("of any text comes to the same as the text itself", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom(...Object.entries(codings)),
        async (said, one) => {
          const [coding, pack] = one;
          const body = JSON.stringify({ ...hello, messages: [{ role: "user", content: said }] });
          expect((await post(pack(Buffer.from(body)), { "content-encoding": coding })).status).toBe(200);
          expect(sent()).toBe(body);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each(["compress", "gzip, br", "aes128gcm"])("%s gets 415, and is told what is read", async (coding) => {
    const response = await post("x", { "content-encoding": coding });
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([
      415,
      "gzip, deflate, br, zstd, identity",
    ]);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_value", param: "Content-Encoding" } });
  });

  it.each([
    ["no gzip at all", Buffer.from(text)],
    ["half of it", gzipSync(text).subarray(0, 40)],
    ["nothing", Buffer.alloc(0)],
  ])("that is %s gets 400", async (_name, body) => {
    const response = await post(body, { "content-encoding": "gzip" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_value" } });
  });

  it("that unpacks to more than it may is refused before it is there, and leaves no room taken", async () => {
    const large = Buffer.alloc(64 * 1024 * 1024, " ");
    for (const pack of [gzipSync, zstdCompressSync, brotliCompressSync]) {
      const coding = pack === gzipSync ? "gzip" : pack === zstdCompressSync ? "zstd" : "br";
      const response = await post(pack(large), { "content-encoding": coding });
      expect(response.status).toBe(413);
    }
    // Within the endpoint's limit, and still no prompt: 10 MB of 10 kB.
    const bomb = gzipSync(JSON.stringify({ ...hello, user: " ".repeat(10 * 1024 * 1024) }));
    expect((await post(bomb, { "content-encoding": "gzip" })).status).toBe(413);
    // A small body that packs as well is taken.
    const small = gzipSync(JSON.stringify({ ...hello, user: " ".repeat(900_000) }));
    expect((await post(small, { "content-encoding": "gzip" })).status).toBe(200);
    // Twenty megabytes of room are there, all of them.
    expect((await post(JSON.stringify({ ...hello, user: "x".repeat(12 * 1024 * 1024) }))).status).toBe(200);
  });

  it("of a stranger is not unpacked", async () => {
    const response = await post(gzipSync(text), { "content-encoding": "gzip", authorization: "Bearer nobody" });
    expect(response.status).toBe(401);
  });
});

it("a byte order mark is passed over, and does not travel on", async () => {
  expect((await post(`\uFEFF${text}`)).status).toBe(200);
  expect(sent()).toBe(text);
});

it("names that are given twice are refused, compressed or not", async () => {
  const twice = '{"model":"gpt-4o","messages":[],"model":"gpt-4"}';
  for (const response of [await post(twice), await post(gzipSync(twice), { "content-encoding": "gzip" })]) {
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_value", param: "model" } });
  }
});

describe("names that take others' time to read", () => {
  const withNames = (count: number) =>
    JSON.stringify({
      ...hello,
      metadata: Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, ""])),
    });

  // The parser reads a name that is new where it stands thirty times as slowly as one that comes again.
  it.each([chat, "/v1/responses", "/trpc/chat.completions"])("are refused at %s", async (path) => {
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: json,
      body: withNames(jsonBounds.shapes),
    });
    expect(response.status).toBe(400);
    const told = await response.text();
    expect(told).toContain("has more than 20000 names of fields");
    expect(told).toContain(response.headers.get("x-request-id"));
  });

  it("are taken as long as they are few", async () => {
    expect((await post(withNames(jsonBounds.shapes - 5))).status).toBe(200);
  });
});

describe("Expect: 100-continue", () => {
  const head = (key: string) =>
    `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n`;

  it("is answered when the key was admitted, and the body then comes", async () => {
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write(head(secrets.api)));
    const [first] = await once(socket, "data");
    expect(String(first)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write(text);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it("of a stranger is answered with the refusal alone", async () => {
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write(head("nobody")));
    const [first] = await once(socket, "data");
    expect(String(first)).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });
});

describe("a page of another origin", () => {
  const preflight = (path: string, origin: string) =>
    fetch(gateway.url + path, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-os",
      },
    });

  it("that may call is told so, and may read its answers and errors", async () => {
    const asked = await preflight(chat, page);
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization,content-type,x-stainless-os",
      vary: "Origin",
    });
    for (const headers of [{ origin: page }, { origin: page, authorization: "Bearer nobody" }]) {
      const response = await post(text, headers as Record<string, string>);
      expect(response.headers.get("access-control-allow-origin")).toBe(page);
      expect(response.headers.get("access-control-expose-headers")).toContain("x-request-id");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  it.each(["https://evil.example", "null", `${page}.evil.example`, page.replace("https", "http")])(
    "%s that may not is told nothing",
    async (origin) => {
      const asked = await preflight(chat, origin);
      expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([404, null]);
      const response = await post(text, { origin });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  it("never reaches the administration", async () => {
    const asked = await preflight("/trpc/accounts.list", page);
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([404, null]);
  });
});
