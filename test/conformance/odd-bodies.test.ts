import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestEdge, type TestEdge } from "../../services/provider-adapter/testing-edge.ts";
import { startTestProvider, type TestProvider } from "../../services/provider-adapter/testing-provider.ts";
import { readers } from "./strict-readers.ts";
import { given, upstreams } from "./upstream-answers/index.ts";

/*
 * Upstreams that answer otherwise than they were asked to: a whole answer for a stream, a stream for a whole answer, packed
 * though nobody asked for it, with a Content-Type that is not the body's, behind heads of status 1xx. The client hears what
 * the upstream said, in the form that it asked for.
 */

const packings: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "": (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  "x-gzip": (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  // Without zlib's header, as some servers send it.
  Deflate: (bytes) => deflateRawSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
  "gzip, br": (bytes) => brotliCompressSync(gzipSync(bytes)),
};

interface Reply {
  readonly bytes: string | Uint8Array;
  readonly type: string;
  readonly packing: string;
  readonly interim: readonly ("continue" | "processing" | "hints")[];
}

const interims: Readonly<Record<Reply["interim"][number], (response: ServerResponse) => void>> = {
  continue: (response) => response.writeContinue(),
  processing: (response) => response.writeProcessing(),
  hints: (response) => response.writeEarlyHints({ link: "</a>; rel=preload" }),
};

let reply: Reply = { bytes: "", type: "", packing: "", interim: [] };
const upstream = createServer((request, response) => {
  request.resume();
  for (const interim of reply.interim) interims[interim](response);
  const headers = {
    "content-type": reply.type,
    ...(reply.packing === "" ? {} : { "content-encoding": reply.packing }),
  };
  response.writeHead(200, headers);
  const bytes = packings[reply.packing]?.(Buffer.from(reply.bytes)) ?? Buffer.alloc(0);
  // In two pieces: what is packed must not depend on how it is cut.
  response.write(bytes.subarray(0, bytes.length >> 1));
  response.end(bytes.subarray(bytes.length >> 1));
});

let provider: TestProvider;
let edge: TestEdge;
beforeAll(async () => {
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  provider = await startTestProvider(
    Object.fromEntries(
      Object.entries(upstreams).map(([name, { adapter, flavour }]) => [
        name,
        { adapter, baseUrl, flavour: JSON.parse(flavour || "{}") as object },
      ]),
    ),
  );
  edge = await startTestEdge(provider);
});

afterAll(async () => {
  await edge?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  upstream.closeAllConnections();
  await new Promise<void>((done) => upstream.close(() => done()));
});

const throughEdge =
  (channel: string): typeof globalThis.fetch =>
  (url, init) => {
    const { pathname } = new URL(String(url));
    const headers = new Headers(init?.headers);
    headers.set("x-channel", channel);
    return fetch(edge.url + pathname, { ...init, headers });
  };

const oddity = fc.record({
  swapped: fc.boolean(),
  typed: fc.boolean(),
  packing: fc.constantFrom(...Object.keys(packings)),
  interim: fc.array(fc.constantFrom<Reply["interim"][number]>("continue", "processing", "hints"), { maxLength: 2 }),
});

const types = { whole: "application/json", streamed: "text/event-stream" } as const;
const framed = { ...types, streamed: "application/vnd.amazon.eventstream" } as const;
const kinds = ["whole", "streamed"] as const;
const pairs = readers.flatMap((reader) =>
  Object.keys(upstreams).map((name) => ({ client: reader.name, name, reader })),
);

describe.each(pairs)("$client over an upstream that speaks $name and answers oddly", ({ name, reader }) => {
  const format = upstreams[name as keyof typeof upstreams];

  test.each(kinds)("hears what it says: %s", async (asked) => {
    await fc.assert(
      fc.asyncProperty(given, fc.gen(), oddity, async (answer, choose, { swapped, typed, packing, interim }) => {
        const other = asked === "whole" ? "streamed" : "whole";
        const sent = swapped ? other : asked;
        const bytes = format[sent](answer, choose);
        reply = { bytes, type: (name === "converse" ? framed : types)[typed ? sent : asked], packing, interim };
        const heard = await reader[asked](throughEdge(name));
        if (answer.finish !== "filtered") expect(heard.text).toBe(answer.text);
        expect(heard.calls).toEqual(answer.calls);
        if (swapped) expect(edge.notes.join()).toMatch(/put together|cut up/);
        if (packing !== "") expect(edge.notes.join()).toContain("packed its answer");
      }),
      { numRuns: 12 },
    );
  });
});

describe("a body that cannot be unpacked", () => {
  const ask = (stream: boolean) =>
    provider.invoke({
      dialect: "openai.chat",
      body: { model: "m", stream, messages: [{ role: "user", content: "x" }] },
      candidates: [{ channel: "chat", model: "m" }],
    });
  const isNone = { code: "upstream_error" };

  test.each([true, false])("is a failure of the upstream's: no packing at all, stream %s", async (stream) => {
    packed("gzip", Buffer.from("this is no gzip"));
    expect((await ask(stream)).error).toMatchObject(isNone);
  });

  test.each([true, false])("is a failure of the upstream's: a packing that nobody knows, stream %s", async (stream) => {
    packed("compress", Buffer.from("{}"));
    expect((await ask(stream)).error).toMatchObject(isNone);
  });

  test("is a failure of the upstream's: more than a whole answer may have", async () => {
    packed("gzip", gzipSync(Buffer.alloc(64 * 1024 * 1024, " ")));
    expect((await ask(false)).error).toMatchObject(isNone);
  });

  /** Answers the next request with bytes that are what they are. */
  function packed(encoding: string, bytes: Buffer): void {
    upstream.removeAllListeners("request");
    upstream.on("request", (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding });
      response.end(bytes);
    });
  }
});
