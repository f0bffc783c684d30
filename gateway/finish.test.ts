import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { ThroughlineError } from "../shared/errors/error.ts";
import type { Recorded, RecordItem } from "../shared/gen/throughline/history/v1/history_pb.ts";
import { each, startTestGateway } from "./testing.ts";

setFlagsFromString("--expose-gc");

/** Bytes of buffers that something still leads to. */
async function buffersInUse(): Promise<number> {
  const collect: unknown = runInNewContext("gc");
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
