import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../../shared/rpc/index.ts";
import { secrets, startTestGateway, type TestGateway, writeFrames } from "../testing.ts";
import { bodyMemoryOf, connectionsOf, shortageOf } from "./capacity.ts";

const chat = "/v1/chat/completions";

/** Connects; gives what comes and, when the server has closed the connection, all of it. */
async function open(gateway: TestGateway): Promise<{ socket: Socket; closed: Promise<string> }> {
  const socket = connect(gateway.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString();
  });
  const closed = once(socket, "close").then(() => answer);
  await once(socket, "connect");
  return { socket, closed };
}

/** How often the edge refused for a reason, by its own metrics. */
async function refused(gateway: TestGateway, reason: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`, { headers: { connection: "close" } })).text();
  const line = text.split("\n").find((one) => one.includes(`edge_refusals_total{reason="${reason}"`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

const warnings = ({ lines }: TestGateway) => lines.filter(({ level }) => level === "warn");

describe("a head that does not come", () => {
  it("closes its connection, also one that says nothing, and is counted and logged once", async () => {
    await using gateway = await startTestGateway({}, { headTimeoutMs: 200 });
    const silent = await open(gateway);
    const half = await open(gateway);
    half.socket.write(`POST ${chat} HTTP/1.1\r\nHost: a\r\n`);
    const trickling = await open(gateway);
    trickling.socket.on("error", () => undefined);
    trickling.socket.write("GET /v1/models HTTP/1.1\r\n");
    const trickle = setInterval(() => trickling.socket.write("X: a\r\n"), 20);
    const bearer = `Authorization: Bearer ${secrets.api}\r\n`;
    const whole = await open(gateway);
    whole.socket.write(
      `POST ${chat} HTTP/1.1\r\nHost: a\r\n${bearer}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n`,
    );

    expect(await silent.closed).toBe("");
    expect(await half.closed).toMatch(/^HTTP\/1\.1 400 .*did not arrive in time/s);
    expect(await trickling.closed).toMatch(/^HTTP\/1\.1 400 /);
    clearInterval(trickle);
    // Its head was there in time: its body has longer.
    whole.socket.write("{}");
    expect(String((await once(whole.socket, "data"))[0])).toMatch(/^HTTP\/1\.1 400 .*model is required/s);
    whole.socket.destroy();
    expect(await refused(gateway, "late_head")).toBe(3);
    expect(warnings(gateway)).toMatchObject([{ reason: "late_head", limit: "HEAD_TIMEOUT_MS=200", refused: 1 }]);
  });
});

describe("connections beyond the limit", () => {
  it("are closed, counted and logged once, and taken again when others have gone", async () => {
    await using gateway = await startTestGateway({}, { maxConnections: 2 });
    const first = await open(gateway);
    const second = await open(gateway);
    for (let i = 0; i < 3; i++) expect(await (await open(gateway)).closed).toBe("");
    first.socket.destroy();
    second.socket.destroy();
    // The server knows of their end when it answers on the connection that it takes next.
    await expect.poll(() => refused(gateway, "connections").catch(() => 0)).toBeGreaterThanOrEqual(3);
    expect(warnings(gateway)).toMatchObject([{ reason: "connections", limit: "MAX_CONNECTIONS=2", refused: 1 }]);
  });

  it("are as many as descriptors allow", () => {
    const cases = [
      [20, 16],
      [256, 72],
      [1_024, 456],
      [1_048_576, 10_000],
      [Number.POSITIVE_INFINITY, 10_000],
    ] as const;
    expect(cases.map(([descriptors]) => [descriptors, connectionsOf(descriptors)])).toEqual(cases);
  });

  it("are told of at the start where there may not be descriptors for them", () => {
    expect(shortageOf(16, 128)).toMatch(/may open 128 files and 16 connections may need 144/);
    for (const descriptors of [144, 256, 1_024, 1_048_576, Number.POSITIVE_INFINITY])
      expect(shortageOf(connectionsOf(descriptors), descriptors)).toBeUndefined();
  });
});

describe("bodies beyond the memory for them", () => {
  it("are as many as are there five times within what V8 lets its heap become", () => {
    expect(bodyMemoryOf(560 * 1024 ** 2)).toBe(112 * 1024 ** 2);
  });

  it("are refused by the head, without a record, until one that is kept is done with", async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
      begun.resolve();
      await goOn.promise;
      writeFrames(out, ['{"ok":true}']);
      return { firstByte: true };
    });
    await using gateway = await startTestGateway({ provider: { invoke } }, { bodyMemoryBytes: 100_000 });
    const body = (length: number) => ({ model: "gpt-4o", messages: [{ role: "user", content: "a".repeat(length) }] });
    // Above the limit by itself: it would never be taken otherwise.
    const large = gateway.call(chat, body(150_000));
    await begun.promise;
    const second = await gateway.call(chat, body(10));
    expect([second.status, second.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await second.json()).toMatchObject({ error: { code: "service_unavailable" } });
    const bearer = `Authorization: Bearer ${secrets.api}\r\n`;
    const chunked = await open(gateway);
    chunked.socket.write(
      `POST ${chat} HTTP/1.1\r\nHost: a\r\n${bearer}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    expect(await chunked.closed).toMatch(/^HTTP\/1\.1 503 /);
    goOn.resolve();
    expect((await large).status).toBe(200);
    await expect.poll(async () => (await gateway.call(chat, body(10))).status).toBe(200);
    expect(await refused(gateway, "body_memory")).toBeGreaterThanOrEqual(2);
    expect(gateway.recorded.filter(({ errorCode }) => errorCode !== "")).toEqual([]);
  });
});
