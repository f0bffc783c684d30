import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { chatRequest, gather, rawServer } from "./testing.ts";
import { createUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

/* A kept connection may be dead without anybody's fault: the upstream's word of it and the next request cross on the way. */

const options: UpstreamOptions = {
  connectTimeoutMs: 2_000,
  headersTimeoutMs: 10_000,
  chunkTimeoutMs: 10_000,
  maxConnectionsPerOrigin: 64,
};
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function upstreamOf(more: Partial<UpstreamOptions> = {}): Upstream {
  const upstream = createUpstream({ ...options, ...more });
  onTestFinished(() => upstream.close());
  return upstream;
}

/** The end of a call, and the turn of the loop in which undici gives its connection free. */
async function over<T>(ending: Promise<T>): Promise<T> {
  const ended = await ending;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return ended;
}

/** A server that is told of each request by its number on its connection, and of the connection's number. */
async function numbered(onRequest: (socket: Socket, request: number, connection: number) => void) {
  const seen = { connections: 0, requests: 0 };
  const host = await rawServer((socket) => {
    const connection = ++seen.connections;
    let request = 0;
    socket.on("data", () => {
      seen.requests += 1;
      onRequest(socket, ++request, connection);
    });
  });
  return { origin: `http://${host}`, seen };
}

const endings: Readonly<Record<string, (socket: Socket) => void>> = {
  RST: (socket) => socket.resetAndDestroy(),
  FIN: (socket) => socket.end(),
};

test.each(Object.keys(endings))(
  "%s on a kept connection before any byte: sent once more, over a new one",
  async (how) => {
    const { origin, seen } = await numbered((socket, request) => {
      if (request === 1) socket.write(ok);
      else endings[how]?.(socket);
    });
    const upstream = upstreamOf();
    for (let round = 0; round < 10; round += 1) {
      const { call, ending } = gather(upstream, chatRequest(origin, "m", false));
      const { fault, text } = await over(ending);
      expect([fault, text]).toEqual([undefined, "ok"]);
      // Even rounds open the kept connection, odd ones find it dead.
      expect(call.resent).toBe(round % 2 === 1);
    }
    expect(seen.requests).toBe(15);
  },
);

test("several that died together: the new one is not another of them", async () => {
  const answers: (() => void)[] = [];
  const { origin } = await numbered((socket, request) => {
    if (request > 1) socket.resetAndDestroy();
    else answers.push(() => socket.write(ok));
    if (answers.length >= 8) for (const answer of answers) answer();
  });
  const upstream = upstreamOf();
  const ask = () => over(gather(upstream, chatRequest(origin, "m", false)).ending);
  for (let round = 0; round < 2; round += 1) {
    const endingsOfAll = await Promise.all(Array.from({ length: 8 }, ask));
    expect(endingsOfAll.map(({ fault }) => fault)).toEqual(Array.from({ length: 8 }, () => undefined));
  }
});

test.each([
  ["a new connection", (socket: Socket) => socket.resetAndDestroy(), 1],
  [
    "one that broke after a part of a head",
    (socket: Socket, request: number) => {
      if (request === 1) socket.write(ok);
      else socket.write("HTTP/1.", () => socket.resetAndDestroy());
    },
    2,
  ],
  [
    "one that broke after an interim head",
    (socket: Socket, request: number) => {
      if (request === 1) socket.write(ok);
      else socket.write("HTTP/1.1 100 Continue\r\n\r\n", () => socket.resetAndDestroy());
    },
    2,
  ],
])("%s is not excused: the upstream may have begun", async (_name, onRequest, requests) => {
  const { origin, seen } = await numbered(onRequest);
  const upstream = upstreamOf();
  for (let count = 1; count < requests; count += 1)
    await over(gather(upstream, chatRequest(origin, "m", false)).ending);
  const { call, ending } = gather(upstream, chatRequest(origin, "m", false));
  expect((await ending).fault).toMatchObject({ kind: "socket_closed", sent: true, headSeen: false });
  expect(call.resent).toBe(false);
  expect(seen.requests).toBe(requests);
});

test("a request is repeated once at most", async () => {
  const { origin, seen } = await numbered((socket, request, connection) => {
    if (connection === 1 && request === 1) socket.write(ok);
    else socket.resetAndDestroy();
  });
  const upstream = upstreamOf();
  await over(gather(upstream, chatRequest(origin, "m", false)).ending);
  const { call, ending } = gather(upstream, chatRequest(origin, "m", false));
  expect((await ending).fault?.kind).toBe("socket_closed");
  expect([call.resent, seen.requests]).toEqual([true, 3]);
});

test("a repeated call is aborted and bounded like any other", async () => {
  const { origin } = await numbered((socket, request, connection) => {
    if (connection === 1 && request > 1) socket.resetAndDestroy();
    else if (connection === 1) socket.write(ok);
  });
  const upstream = upstreamOf();
  await over(gather(upstream, chatRequest(origin, "m", false)).ending);
  const late = await gather(upstream, chatRequest(origin, "m", false, { headersTimeoutMs: 100 })).ending;
  expect(late.fault?.kind).toBe("headers_timeout");
});

const interim = fc.array(
  fc.constantFrom(
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 102 Processing\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n",
    "HTTP/1.0 100 Continue\r\nx: 1\r\n\r\n",
  ),
  { maxLength: 4 },
);

test("heads of status 1xx that nobody asked for are taken, however they are cut", async () => {
  let pieces: readonly string[] = [];
  const host = await rawServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", async () => {
      for (const piece of pieces) {
        await new Promise((resolve) => socket.write(piece, resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  const upstream = upstreamOf();
  await fc.assert(
    fc.asyncProperty(interim, fc.boolean(), fc.array(fc.nat(400), { maxLength: 6 }), async (heads, chunked, cuts) => {
      const body = chunked ? "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" : "content-length: 2\r\n\r\nok";
      const text = `${heads.join("")}HTTP/1.1 200 OK\r\n${body}`;
      const places = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
      pieces = places.slice(1).map((end, at) => text.slice(places[at], end));
      const ending = await gather(upstream, chatRequest(`http://${host}`, "m", false)).ending;
      expect([ending.fault, ending.status, ending.text]).toEqual([undefined, 200, "ok"]);
    }),
    { numRuns: 150 },
  );
});

test("a switch of protocols that nobody asked for is still a fault", async () => {
  const { origin } = await numbered((socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"));
  const { fault } = await gather(upstreamOf(), chatRequest(origin, "m", false)).ending;
  expect(fault).toMatchObject({ sent: true, headSeen: false });
});
