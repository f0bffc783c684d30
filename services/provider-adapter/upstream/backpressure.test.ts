import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import type { LineHolder } from "./line.ts";
import type { UpstreamCall, UpstreamRequest } from "./request.ts";
import { chatRequest, gather, rawServer } from "./testing.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

let simulator: Simulator;
let upstream: Upstream;
beforeEach(async () => {
  simulator = await createSimulator();
  upstream = createUpstream({
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 10_000,
    chunkTimeoutMs: 10_000,
    maxConnectionsPerOrigin: 64,
  });
});
afterEach(async () => {
  await upstream.close();
  await simulator.close();
});

const chat = (model: string, stream = true, more: Partial<UpstreamRequest> = {}) =>
  gather(upstream, chatRequest(simulator.url, model, stream, more));

describe("a body that comes faster than it is read", () => {
  it.each([
    ["text/event-stream; charset=utf-8", 16],
    ["video/mp4", 32],
  ])(
    "lets the loop turn within %s after every %i KiB, so that whoever hears of a slow reader can pause it in time",
    async (type, kib) => {
      const total = 4 * 1024 * 1024;
      const written = Promise.withResolvers<void>();
      const host = await rawServer((socket) =>
        socket.once("data", () => {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${total}\r\n\r\n`);
          // The kernel takes what it can; the rest waits here.
          socket.write(Buffer.alloc(total));
          setImmediate(() => written.resolve());
        }),
      );
      let inTurn = 0;
      let most = 0;
      const call = gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} });
      call.call.pause();
      await written.promise;
      const turn = (): void => {
        most = Math.max(most, call.bytes() - inTurn);
        inTurn = call.bytes();
        if (inTurn < total) setImmediate(turn);
      };
      setImmediate(turn);
      call.call.resume();
      expect((await call.ending).fault).toBeUndefined();
      expect(call.bytes()).toBe(total);
      // The reads of two turns may stand between two looks.
      expect(most).toBeLessThanOrEqual(2 * kib * 1024);
    },
  );

  it("bounds what all bodies together say in a turn", async () => {
    const total = 2 * 1024 * 1024;
    const host = await rawServer((socket) =>
      socket.once("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
        socket.write(Buffer.alloc(total));
      }),
    );
    const calls = Array.from({ length: 40 }, () =>
      gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} }),
    );
    // The first 32 KiB of each are not held up.
    await Promise.all(calls.map(({ firstData }) => firstData));
    const sum = (): number => calls.reduce((bytes, call) => bytes + call.bytes(), 0);
    let most = 0;
    let before = sum();
    const turn = (): void => {
      const now = sum();
      most = Math.max(most, now - before);
      before = now;
      if (now < 40 * total) setImmediate(turn);
    };
    setImmediate(turn);
    for (const { ending } of calls) expect((await ending).fault).toBeUndefined();
    expect(sum()).toBe(40 * total);
    expect(most).toBeLessThanOrEqual(1024 * 1024);
  });

  it("goes on in pieces as large as the socket's, however often it is paused: nothing is put back and copied again", async () => {
    const chunk = Buffer.from(`400\r\n${"x".repeat(1024)}\r\n`);
    const host = await rawServer((socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        socket.write(Buffer.concat(new Array<Buffer>(2_000).fill(chunk)));
        socket.write("0\r\n\r\n");
      }),
    );
    let resumes = 0;
    let paused = false;
    const { ending, bytes } = gather(
      upstream,
      { origin: `http://${host}`, path: "/", method: "GET", headers: {} },
      (call) => {
        if (paused) return;
        paused = true;
        call.pause();
        setImmediate(() => {
          resumes += 1;
          paused = false;
          call.resume();
        });
      },
    );
    expect((await ending).fault).toBeUndefined();
    expect(bytes()).toBe(2_000 * 1024);
    expect(resumes).toBeLessThan(200);
  });
});

describe.skipIf(process.platform === "win32")("what is read of a socket and not heard", () => {
  it("is nothing while a call is paused: all that was read has gone on, the rest waits in the system", async () => {
    const total = 4 * 1024 * 1024;
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`;
    const written = Promise.withResolvers<void>();
    const host = await rawServer((socket) =>
      socket.once("data", () => {
        socket.write(head);
        socket.write(Buffer.alloc(total));
        setImmediate(() => written.resolve());
      }),
    );
    const call = gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} });
    const { line } = call.call as UpstreamCall & LineHolder;
    await written.promise;
    for (let pauses = 0; pauses < 20; pauses += 1) {
      call.call.pause();
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const heard = call.bytes();
      expect((line?.bytesRead ?? 0) - head.length).toBe(heard);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(call.bytes(), "bytes heard while it is paused").toBe(heard);
      call.call.resume();
      for (let turn = 0; turn < pauses % 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await call.ending).fault).toBeUndefined();
    expect(call.bytes()).toBe(total);
  });

  it("is less than 64 KiB, whenever the reader pauses, and is all heard when it goes on", async () => {
    const total = 2 * 1024 * 1024;
    const chunk = Buffer.from(`400\r\n${"x".repeat(1024)}\r\n`);
    const written = Promise.withResolvers<void>();
    const host = await rawServer((socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        socket.write(Buffer.concat(new Array<Buffer>(total / 1024).fill(chunk)));
        socket.write("0\r\n\r\n");
        setImmediate(() => written.resolve());
      }),
    );
    const call = gather(upstream, { origin: `http://${host}`, path: "/", method: "GET", headers: {} });
    const { line } = call.call as UpstreamCall & LineHolder;
    call.call.pause();
    await written.promise;
    let most = 0;
    for (let pauses = 0; pauses < 20; pauses += 1) {
      call.call.resume();
      await new Promise((resolve) => setImmediate(resolve));
      call.call.pause();
      // Bytes still arrive that were asked of the socket before the pause.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, (line?.bytesRead ?? Number.NaN) - call.bytes());
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(64 * 1024);
    call.call.resume();
    expect((await call.ending).fault).toBeUndefined();
    expect(call.bytes()).toBe(total);
  });
});

describe("slow readers", () => {
  it("stall their own socket with bounded memory, and nobody else's", async () => {
    const slow = chat("sim-large-65536", true, { headers: { "x-request-id": "slow" } });
    await slow.firstData;
    slow.call.pause();
    const sent = () => simulator.requests.find(({ clientRequestId }) => clientRequestId === "slow")?.sentUnits ?? 0;
    const { promise: stalled, resolve } = Promise.withResolvers<void>();
    let last = -1;
    const timer = setInterval(() => {
      if (sent() === last) resolve();
      last = sent();
    }, 60);
    await stalled;
    clearInterval(timer);
    const heard = slow.bytes();
    // 64 MB of text were asked for. What lies between the two ends is the kernel's buffers.
    expect(sent()).toBeLessThan(16_000_000);
    expect((await chat("m", false).ending).status).toBe(200);
    expect(slow.bytes()).toBe(heard);
    slow.call.resume();
    expect((await slow.ending).fault).toBeUndefined();
    expect(slow.bytes()).toBeGreaterThan(65_536_000);
  });

  it("may pause before the head and at every piece", async () => {
    const early = chat("sim-tokens-200");
    early.call.pause();
    await early.head;
    early.call.resume();
    expect((await early.ending).text).toContain("[DONE]");
    const stuttering = gather(upstream, chatRequest(simulator.url, "sim-tokens-200+split-bytes", true), (call) => {
      call.pause();
      setImmediate(() => call.resume());
    });
    expect((await stuttering.ending).text.replaceAll(/"(id|created|model)":("[^"]*"|\d+)/g, "")).toBe(
      (await early.ending).text.replaceAll(/"(id|created|model)":("[^"]*"|\d+)/g, ""),
    );
  });
});
