import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { StoreAnswerRequest, StoreAnswerResponse } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Recorded, RecordItem } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { answering, each, startTestGateway, writeFrames } from "../testing.ts";

setFlagsFromString("--expose-gc");
// At once: what the gateway collects with takes the flag back.
const collect: unknown = runInNewContext("gc");

/** Bytes of buffers that something still leads to. */
async function buffersInUse(): Promise<number> {
  for (let time = 0; time < 2; time += 1) {
    if (typeof collect === "function") collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().arrayBuffers;
}

it("while history is away, answered requests wait for it without their bodies", async () => {
  let away = true;
  const recorded = new Set<bigint>();
  const record = each<RecordItem, Recorded>((item) => {
    if (away) return new ThroughlineError("service_unavailable", "away");
    recorded.add(item.record?.requestId ?? 0n);
    return {};
  });
  await using gateway = await startTestGateway({ history: { record } }, { processingAfterMs: 60_000 });
  const megabytes = (count: number) => "x".repeat(count * 1_000_000);
  const ask = (model: string, count: number) =>
    gateway.call("/v1/chat/completions", { model, messages: [{ role: "user", content: megabytes(count) }] });
  const before = await buffersInUse();
  // The first is answered, the second is longer than its model takes.
  for (let time = 0; time < 10; time += 1) {
    expect((await (await ask("m", 0.4)).text()).length).toBeGreaterThan(0);
    expect((await (await ask("m", 4)).text()).length).toBeGreaterThan(0);
  }
  expect((await buffersInUse()) - before).toBeLessThan(10_000_000);
  expect(recorded.size).toBe(0);
  away = false;
  await vi.waitFor(() => expect(recorded.size).toBe(20), 10_000);
});

it("a stream with an Idempotency-Key is kept up to what can be stored, and forgotten above it", async () => {
  const frame = `data: ${"x".repeat(100_000)}\n\n`;
  const arrived = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
    for (let sent = 0; sent < 200; sent += 1) {
      writeFrames(out, sent === 0 ? [frame] : [], "text/event-stream");
      if (sent > 0) out.write({ data: Buffer.from(frame) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended.promise;
    return { finishReason: "stop", firstByte: true };
  });
  const stored: StoreAnswerRequest[] = [];
  const storeAnswer = unaryHandler<StoreAnswerRequest, StoreAnswerResponse>(async (request) => {
    stored.push(request);
    return {};
  });
  await using gateway = await startTestGateway({ provider: { invoke }, billing: { storeAnswer } });
  const before = await buffersInUse();
  const body = { model: "m", messages: [{ role: "user", content: "Hi" }], stream: true };
  const response = await gateway.call("/v1/chat/completions", body, { headers: { "idempotency-key": "k" } });
  let bytes = 0;
  const reading = (async () => {
    for await (const part of response.body ?? []) {
      bytes += part.length;
      if (bytes === 200 * frame.length) arrived.resolve();
    }
  })();
  await arrived.promise;
  expect((await buffersInUse()) - before).toBeLessThan(10_000_000);
  ended.resolve();
  await reading;
  await vi.waitFor(() => expect(stored).toMatchObject([{ forget: true, body: { length: 0 } }]));
});

it("while answers that wait for history fill the memory, requests wait for a while and are refused then", async () => {
  let away = true;
  const record = each<RecordItem, Recorded>(() => (away ? new ThroughlineError("service_unavailable", "away") : {}));
  const megabyte = "x".repeat(1_000_000);
  const invoke = answering(...Array.from({ length: 14 }, () => megabyte));
  await using gateway = await startTestGateway({ history: { record }, provider: { invoke } }, { callTimeoutMs: 1_000 });
  const ask = () => gateway.call("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "Hi" }] });
  for (let time = 0; time < 10; time += 1) expect((await (await ask()).text()).length).toBe(14_000_000);
  const refused = await ask();
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: "service_unavailable" } }]);
  away = false;
  await vi.waitFor(async () => expect((await ask()).status).toBe(200), 10_000);
});
