import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import { connect, Socket } from "node:net";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type Body, openBody } from "./body.ts";

/** A server whose responses are given by the test. */
async function serve(
  answer: (body: Body, response: ServerResponse) => void,
  head: Record<string, string> = {},
  onTaken: () => void = () => undefined,
) {
  const server = createServer((_request, response) => {
    response.writeHead(200, head);
    answer(openBody(response, onTaken), response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function bodyOf(port: number): Promise<Buffer> {
  const asked = request({ port, host: "127.0.0.1" }).end();
  const [response] = await once(asked, "response");
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return Buffer.concat(parts);
}

const pieces = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 900, max: 20_000 }).map((size) => new Uint8Array(size).fill(7)),
  ),
  { maxLength: 12 },
);
const followed = fc.infiniteStream(fc.boolean());

test("a body of any pieces comes as it was given", async () => {
  let given: Uint8Array[] = [];
  let last: Uint8Array | undefined;
  let more: boolean[] = [];
  await using server = await serve((body) => {
    for (const [index, piece] of given.entries()) body.write(piece, more[index]);
    body.end(last);
  });
  const end = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(pieces, end, followed, async (some, theLast, follows) => {
      given = some;
      last = theLast;
      more = [...follows.take(some.length)];
      expect(await bodyOf(server.port)).toEqual(Buffer.concat([...some, theLast ?? Buffer.alloc(0)]));
    }),
    { numRuns: 60 },
  );
});

test("answers that wait for one another on a connection come in the order of their requests", async () => {
  const waiting: Body[] = [];
  await using server = await serve((body) => {
    const name = waiting.length === 0 ? "one" : "two";
    body.write(Buffer.from(`${name},`));
    body.write(Buffer.from(`${name};`));
    waiting.push(body);
    if (waiting.length < 2) return;
    setImmediate(() => {
      for (const each of waiting.toReversed()) {
        each.write(Buffer.from("more"));
        each.end();
      }
    });
  });
  const socket = connect(server.port, "127.0.0.1");
  const asked = "GET / HTTP/1.1\r\nhost: a\r\n";
  socket.end(`${asked}\r\n${asked}connection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  const said = Buffer.concat(parts)
    .toString()
    .match(/^(?:one[,;]|two[,;]|more)$/gm);
  expect(said?.join("")).toBe("one,one;moretwo,two;more");
});

test.each([
  ["of a known length", "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", { "content-length": "5" }],
  ["of HTTP/1.0", "GET / HTTP/1.0\r\nhost: a\r\n\r\n", {}],
])("a body %s is not sent in chunks", async (_name, text, head) => {
  await using server = await serve((body) => {
    body.write(Buffer.from("he"));
    body.write(Buffer.from("llo"));
    body.end();
  }, head);
  const socket = connect(server.port, "127.0.0.1").end(text);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  expect(Buffer.concat(parts).toString().split("\r\n\r\n")[1]).toBe("hello");
});

test("what a turn brings is one buffer and one write, and the connection serves on", async () => {
  let body: Body | undefined;
  await using server = await serve((given) => {
    body = given;
    given.write(Buffer.from("first"));
  });
  const socket = connect(server.port, "127.0.0.1");
  const heard: string[] = [];
  socket.on("data", (data) => heard.push(data.toString()));
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await vi.waitFor(() => expect(heard.join("")).toContain("first"));
  const writes = vi.spyOn(Socket.prototype, "_write");
  const gathered = vi.spyOn(Socket.prototype as Required<Socket>, "_writev");
  try {
    body?.write(Buffer.from("second"));
    await vi.waitFor(() => expect(heard.at(-1)).toBe("6\r\nsecond\r\n"));
    expect([writes.mock.calls.length, gathered.mock.calls.length]).toEqual([1, 0]);
    body?.write(Buffer.from("third"), true);
    body?.write(Buffer.from("fourth"));
    await vi.waitFor(() => expect(heard.at(-1)).toBe("5\r\nthird\r\n6\r\nfourth\r\n"));
    expect([writes.mock.calls.length, gathered.mock.calls.length]).toEqual([2, 0]);
    body?.write(Buffer.from("last"), true);
    body?.end();
    await vi.waitFor(() => expect(heard.at(-1)).toBe("4\r\nlast\r\n0\r\n\r\n"));
    expect([writes.mock.calls.length, gathered.mock.calls.length]).toEqual([2, 1]);
  } finally {
    vi.restoreAllMocks();
  }
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await vi.waitFor(() => expect(heard.filter((text) => text.includes("first"))).toHaveLength(2));
  socket.destroy();
});

test("a piece of a large message is one write that keeps nothing of the message", async () => {
  let body: Body | undefined;
  await using server = await serve((given) => {
    body = given;
    given.write(Buffer.from("first"));
  });
  const asked = request({ port: server.port, host: "127.0.0.1" }).end();
  const [response] = await once(asked, "response");
  await once(response, "data");
  const message = Buffer.allocUnsafeSlow(256 * 1024).fill("m");
  const written = vi.spyOn(Socket.prototype, "write");
  try {
    for (const bytes of [1, 1_000, 1_025, 4_109, 16_384]) {
      written.mockClear();
      body?.write(message.subarray(50, 50 + bytes));
      const buffers = written.mock.calls.map(([chunk]) => chunk as unknown as Buffer);
      expect(buffers, `a piece of ${bytes} bytes`).toHaveLength(1);
      expect(buffers[0]?.buffer.byteLength).toBeLessThanOrEqual(Math.max(4_096, bytes + 16));
    }
  } finally {
    vi.restoreAllMocks();
  }
  response.destroy();
});

test("an answer that breaks off has no last chunk", async () => {
  await using server = await serve((body, response) => {
    body.write(Buffer.from("some"));
    setImmediate(() => response.destroy());
  });
  await expect(bodyOf(server.port)).rejects.toThrow("aborted");
});

test.each([
  ["in chunks", 4_096, {}],
  ["in small chunks", 1_024, {}],
  ["of a known length", 4_096, { "content-length": "104857600" }],
])(
  "of a client that reads nothing %s little waits here, and the rest comes when it reads on",
  async (_name, size, head) => {
    const piece = new Uint8Array(size).fill(7);
    let pieces = 0;
    let most = 0;
    const slow = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    await using server = await serve(
      (body, response) => {
        const fill = (): void => {
          for (let ready = true; ready; most = Math.max(most, response.writableLength)) {
            ready = body.write(piece, pieces % 2 === 0);
            pieces += 1;
          }
          slow.resolve();
        };
        fill();
      },
      head,
      taken.resolve,
    );
    const socket = connect(server.port, "127.0.0.1").pause();
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await slow.promise;
    expect(most).toBeLessThanOrEqual(32 * 1024 + piece.length + 100);
    let heard = 0;
    socket.on("data", (data) => {
      heard += data.length;
    });
    socket.resume();
    await taken.promise;
    await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(pieces * piece.length));
    socket.destroy();
  },
);
