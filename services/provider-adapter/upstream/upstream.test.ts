import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import { faultError, faultKinds, faultTable } from "./faults.ts";
import type { UpstreamRequest } from "./request.ts";
import { chatRequest, gather, rawServer } from "./testing.ts";
import { createUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

const options: UpstreamOptions = {
  connectTimeoutMs: 2_000,
  headersTimeoutMs: 10_000,
  chunkTimeoutMs: 10_000,
  maxConnectionsPerOrigin: 64,
};

let simulator: Simulator;
let upstream: Upstream;
beforeEach(async () => {
  simulator = await createSimulator();
  upstream = createUpstream(options);
});
afterEach(async () => {
  await upstream.close();
  await simulator.close();
});

const chat = (model: string, stream = true, more: Partial<UpstreamRequest> = {}) =>
  gather(upstream, chatRequest(simulator.url, model, stream, more));

describe("answers", () => {
  it("gives head, body and end, plain and streamed, over one kept socket", async () => {
    const plain = await chat("m", false).ending;
    expect(plain.fault).toBeUndefined();
    expect(plain.status).toBe(200);
    expect(plain.headers["x-throughline-simulator"]).toBe("1");
    expect(JSON.parse(plain.text).object).toBe("chat.completion");
    const streamed = await chat("sim-tokens-50").ending;
    expect(streamed.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(streamed.text.match(/"content":" /g)).toHaveLength(50);
    const bytes = simulator.requests.map(({ body }) => JSON.parse(body.toString()).model);
    expect(bytes).toEqual(["m", "sim-tokens-50"]);
  });

  it("takes every status as an answer and follows no redirect", async () => {
    expect((await chat("sim-status-429").ending).status).toBe(429);
    let calls = 0;
    const host = await rawServer((socket) => {
      socket.on("data", () => {
        calls += 1;
        socket.write("HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n");
      });
    });
    const ending = await gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} }).ending;
    expect([ending.status, ending.headers.location, calls]).toEqual([307, "/other", 1]);
  });

  it("skips 1xx heads", async () => {
    const host = await rawServer((socket) => {
      socket.on("data", () => {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      });
    });
    const ending = await gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} }).ending;
    expect([ending.status, ending.text]).toEqual([200, "ok"]);
  });
});

describe("timeouts", () => {
  it("headers: the upstream takes the request and says nothing; its socket is closed", async () => {
    const started = performance.now();
    const headers = { "x-request-id": "silent" };
    const { fault } = await chat("sim-hang-headers", true, { headersTimeoutMs: 100, headers }).ending;
    const took = performance.now() - started;
    expect(fault).toEqual({ kind: "headers_timeout", sent: true, headSeen: false, detail: "" });
    // Ticks of 125 ms here: a client with its usual bounds rounds a shorter one of a call up by at most two.
    expect(took).toBeGreaterThan(95);
    expect(took).toBeLessThan(900);
    await simulator.nextClose("silent");
  });

  it("chunks: the upstream falls silent in the middle", async () => {
    const quick = createUpstream({ ...options, chunkTimeoutMs: 80 });
    const request = chatRequest(simulator.url, "sim-hang-stream", true, { headers: { "x-request-id": "silent" } });
    const started = performance.now();
    const ending = await gather(quick, request).ending;
    expect(performance.now() - started).toBeLessThan(400);
    expect(ending.fault).toEqual({ kind: "chunk_timeout", sent: true, headSeen: true, detail: "" });
    expect(ending.text).toContain("simulated");
    await simulator.nextClose("silent");
    await quick.close();
  });

  it("does not time out a stream that keeps coming, nor one that the caller has paused", async () => {
    const quick = createUpstream({ ...options, chunkTimeoutMs: 80 });
    const steady = gather(quick, chatRequest(simulator.url, "sim-tokens-12+slow-chunks-20", true));
    const paused = gather(quick, chatRequest(simulator.url, "sim-tokens-4+slow-chunks-20", true), (call) =>
      call.pause(),
    );
    expect((await steady.ending).fault).toBeUndefined();
    // By now the paused call has been silent for three times its bound.
    for (let turn = 0; turn < 60; turn += 1) {
      paused.call.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await paused.ending).fault).toBeUndefined();
    await quick.close();
  });

  it("connection: TCP answers, TLS does not", async () => {
    const host = await rawServer(() => {});
    const quick = createUpstream({ ...options, connectTimeoutMs: 100 });
    const { fault } = await gather(quick, chatRequest(`https://${host}`, "m", true)).ending;
    expect(fault).toEqual({ kind: "connect_timeout", sent: false, headSeen: false, detail: "UND_ERR_CONNECT_TIMEOUT" });
    await quick.close();
  });

  it("waiting: no connection becomes free", async () => {
    const narrow = createUpstream({ ...options, maxConnectionsPerOrigin: 1 });
    const holder = gather(narrow, chatRequest(simulator.url, "sim-hang-stream", true));
    await holder.firstData;
    const { fault } = await gather(narrow, chatRequest(simulator.url, "m", true, { headersTimeoutMs: 50 })).ending;
    expect(fault).toEqual({ kind: "connect_wait", sent: false, headSeen: false, detail: "" });
    holder.call.abort();
    await narrow.close();
  });

  it("waiting for a connection that is not made is the upstream's fault, also behind others that wait", async () => {
    const host = await rawServer(() => {});
    const narrow = createUpstream({ ...options, connectTimeoutMs: 5_000, maxConnectionsPerOrigin: 1 });
    const ask = () => gather(narrow, chatRequest(`https://${host}`, "m", true, { headersTimeoutMs: 50 })).ending;
    for (const { fault } of await Promise.all([ask(), ask(), ask()])) {
      expect(fault).toEqual({ kind: "connect_timeout", sent: false, headSeen: false, detail: "" });
    }
    await narrow.close();
  });

  it("connection: a bound of its own for each call, whatever others to the same upstream have", async () => {
    const closed: Promise<unknown>[] = [];
    const host = await rawServer((socket) => {
      socket.resume();
      closed.push(new Promise((resolve) => socket.once("close", resolve)));
    });
    const ask = async (connectTimeoutMs: number) => {
      const started = performance.now();
      const { fault } = await gather(upstream, chatRequest(`https://${host}`, "m", true, { connectTimeoutMs })).ending;
      expect(fault?.kind).toBe("connect_timeout");
      return performance.now() - started;
    };
    const [short = 0, long = 0] = await Promise.all([ask(100), ask(900)]);
    expect(short).toBeLessThan(900);
    expect(long).toBeGreaterThan(890);
    expect(closed).toHaveLength(2);
    await Promise.all(closed);
  });
});

describe("faults", () => {
  it("names them by kind, and knows whether the request was sent", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const garbage = await rawServer((socket) => socket.on("data", () => socket.write("SMTP ready\r\n\r\n")));
    const oversized = await rawServer((socket) =>
      socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\nx-long: ${"x".repeat(40_000)}\r\n\r\n`)),
    );
    const resets = await rawServer((socket) => socket.on("data", () => socket.resetAndDestroy()));
    const unended = await rawServer((socket) =>
      socket.on("data", () =>
        socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc"),
      ),
    );
    const badChunk = await rawServer((socket) =>
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n")),
    );
    const short = await rawServer((socket) =>
      socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")),
    );
    const cases: [string, string, boolean, boolean][] = [
      [`http://127.0.0.1:${port}`, "connect_refused", false, false],
      [`http://${"x".repeat(64)}.invalid`, "dns", false, false],
      [`https://${simulator.url.slice("http://".length)}`, "tls", false, false],
      [`http://${garbage}`, "protocol", true, false],
      [`http://${oversized}`, "protocol", true, false],
      [`http://${resets}`, "socket_closed", true, false],
      [`http://${short}`, "socket_closed", true, true],
      [`http://${unended}`, "socket_closed", true, true],
      [`http://${badChunk}`, "protocol", true, true],
    ];
    for (const [origin, kind, sent, headSeen] of cases) {
      const { fault } = await gather(upstream, chatRequest(origin, "m", false)).ending;
      expect(fault, origin).toMatchObject({ kind, sent, headSeen });
    }
  });

  it("closed before and in the middle of the answer", async () => {
    expect((await chat("sim-drop-headers").ending).fault).toMatchObject({
      kind: "socket_closed",
      sent: true,
      headSeen: false,
    });
    const middle = await chat("sim-drop-stream").ending;
    expect(middle.fault).toMatchObject({ kind: "socket_closed", sent: true, headSeen: true });
    expect(middle.text).toContain("simulated");
  });

  it("too large: by its length before the body, by its bytes in a stream", async () => {
    const plain = await chat("sim-large-64", false, { maxBodyBytes: 10_000 }).ending;
    expect(plain.fault?.kind).toBe("too_large");
    expect(plain.status).toBe(0);
    const streamed = await chat("sim-large-64", true, { maxBodyBytes: 10_000 }).ending;
    expect(streamed.fault?.kind).toBe("too_large");
    expect(streamed.text.length).toBeLessThanOrEqual(10_000);
    expect((await chat("m", false, { maxBodyBytes: 10_000 }).ending).fault).toBeUndefined();
  });

  it("a request that cannot be sent, and a reader that throws, are faults of ours, logged, after send has returned", async () => {
    const errors: string[] = [];
    const logged = createUpstream({
      ...options,
      log: { error: (_: object, message?: string) => errors.push(message ?? "") },
    });
    const bad = gather(logged, chatRequest(simulator.url, "m", false, { headers: { authorization: "Bearer a\nb" } }));
    expect((await bad.ending).fault).toEqual({
      kind: "internal",
      sent: false,
      headSeen: false,
      detail: "UND_ERR_INVALID_ARG",
    });
    const throwing = gather(logged, chatRequest(simulator.url, "m", true), () => {
      throw new Error("reader");
    });
    expect((await throwing.ending).fault).toMatchObject({ kind: "internal", sent: true, headSeen: true });
    expect(errors).toHaveLength(2);
    await logged.close();
  });

  it("shutting down ends what is open", async () => {
    const call = chat("sim-hang-stream");
    await call.firstData;
    await upstream.close();
    expect((await call.ending).fault?.kind).toBe("shutting_down");
    expect((await chat("m").ending).fault?.kind).toBe("shutting_down");
  });

  it("every kind has a code and a message that names nobody", () => {
    for (const kind of faultKinds) {
      const error = faultError({ kind, sent: true, headSeen: false, detail: "ECONNRESET" });
      expect(error.code).toBe(faultTable[kind].code);
      expect(error.message).not.toMatch(/ECONN|\d|http|127\./);
    }
  });
});

describe("abort", () => {
  it("closes the socket within 100 ms: before the headers, in the middle, paused, and by signal", async () => {
    const leave = async (
      id: string,
      model: string,
      act: (gathered: ReturnType<typeof gather>) => void,
      signal?: AbortSignal,
    ) => {
      const call = chat(model, true, { headers: { "x-request-id": id }, ...(signal === undefined ? {} : { signal }) });
      await (model === "sim-hang-headers" ? simulator.nextRequest(id) : call.firstData);
      const before = performance.timeOrigin + performance.now();
      act(call);
      const { clientClosedAtMs } = await simulator.nextClose(id);
      expect(clientClosedAtMs - before).toBeLessThan(100);
      expect((await call.ending).fault).toMatchObject({ kind: "aborted", sent: true });
    };
    await leave("headers", "sim-hang-headers", ({ call }) => call.abort());
    await leave("stream", "sim-tokens-1000+slow-chunks-5", ({ call }) => call.abort());
    await leave("paused", "sim-large-65536", ({ call }) => {
      call.pause();
      call.abort();
    });
    const controller = new AbortController();
    await leave("signal", "sim-hang-stream", () => controller.abort(), controller.signal);
    expect(simulator.open).toBe(0);
  });

  it("tells the sink once and at once, also for a call that was never sent", async () => {
    const call = chat("m");
    call.call.abort();
    call.call.abort();
    expect((await call.ending).fault).toEqual({ kind: "aborted", sent: false, headSeen: false, detail: "" });
    const late = await chat("m", true, { signal: AbortSignal.abort() }).ending;
    expect(late.fault?.kind).toBe("aborted");
    expect(simulator.requests).toHaveLength(0);
  });

  it("spares the socket when the call still waited for it", async () => {
    const narrow = createUpstream({ ...options, maxConnectionsPerOrigin: 1 });
    const first = gather(narrow, chatRequest(simulator.url, "sim-tokens-10+slow-chunks-5", true));
    const waiting = gather(narrow, chatRequest(simulator.url, "m", true));
    const last = gather(narrow, chatRequest(simulator.url, "m", false));
    await first.firstData;
    waiting.call.abort();
    expect((await first.ending).fault).toBeUndefined();
    expect((await last.ending).status).toBe(200);
    expect(simulator.requests).toHaveLength(2);
    await narrow.close();
  });
});

describe("stale sockets", () => {
  it.each(["reset", "end"] as const)(
    "an idle socket that dies (%s) while a POST waits for it costs nothing",
    async (how) => {
      const sockets: Socket[] = [];
      let posts = 0;
      const host = await rawServer((socket) => {
        sockets.push(socket);
        socket.on("data", () => {
          posts += 1;
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
      });
      const request = chatRequest(`http://${host}`, "m", false);
      for (let round = 1; round <= 20; round += 1) {
        expect((await gather(upstream, request).ending).fault).toBeUndefined();
        // Let undici see the socket idle: only then does it look at it before the next write.
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        const idle = sockets.at(-1);
        if (how === "reset") idle?.resetAndDestroy();
        else idle?.end();
        const ending = await gather(upstream, request).ending;
        expect(ending.fault).toBeUndefined();
        expect(posts).toBe(round * 2);
      }
    },
  );
});

describe("a call of which nothing more is wanted", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  const piece = "5\r\nhello\r\n";

  it("is read to its end, so that its socket serves the next", async () => {
    const sockets = new Set<Socket>();
    const host = await rawServer((socket) => {
      sockets.add(socket);
      socket.on("data", () => socket.write(head + piece));
    });
    for (let count = 0; count < 2; count += 1) {
      const { call, firstData, ending } = gather(upstream, chatRequest(`http://${host}`, "m", true));
      await firstData;
      call.pause();
      call.drain();
      for (const socket of sockets) socket.write(`${piece}0\r\n\r\n`);
      expect((await ending).fault).toBeUndefined();
      // undici gives the socket free behind the call that tells of the end.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sockets.size).toBe(1);
  });

  it("is closed where the end does not come, whatever else comes", async () => {
    const closed = Promise.withResolvers<void>();
    const host = await rawServer((socket) => {
      socket.on("data", () => {
        socket.write(head + piece);
        const pings = setInterval(() => socket.write("7\r\n: ping\n\r\n"), 20);
        socket.once("close", () => {
          clearInterval(pings);
          closed.resolve();
        });
      });
    });
    const { call, firstData, ending } = gather(upstream, chatRequest(`http://${host}`, "m", true));
    await firstData;
    call.drain();
    await closed.promise;
    expect((await ending).fault?.kind).toBe("chunk_timeout");
  });
});
