import { expect, test } from "vitest";
import { ThroughlineError } from "../errors/error.ts";
import { createOutbox, type Sender, shareBytes, type WaitingResult } from "./outbox.ts";
import { collect, grpcPair } from "./testing-pairs.ts";

/** Three hundred calls that write all they can, and those that read them, share the core of this test with other tests. */
const patient = { timeoutMs: 50_000 };

test("a call that writes little goes on beside calls that write all that the lane takes", async () => {
  const { client } = await grpcPair();
  const greedy = Array.from({ length: 300 }, () =>
    client.count.open({ frames: 1_000_000, frameBytes: 64 * 1024 }, { timeoutMs: 60_000 }),
  );
  const begun = greedy.map(() => Promise.withResolvers<void>());
  const read = greedy.map(async (stream, index) => {
    for await (const _ of stream) begun[index]?.resolve();
  });
  const ended = Promise.allSettled([...read, ...greedy.map(({ outcome }) => outcome)]);
  try {
    // A round trip on another lane of the same connection: the greedy ones are under way.
    await client.echo.call({}, patient);
    const light = client.count.open({ frames: 100, frameBytes: 100 }, patient);
    expect((await collect(light)).length).toBe(100);
    expect((await light.outcome).pauses).toBe(0);
    // Nor does any of the greedy ones starve.
    await Promise.all(begun.map(({ promise }) => promise));
  } finally {
    for (const stream of greedy) stream.cancel();
    await ended;
  }
}, 60_000);

function resultsOf(
  sender: Sender & { readonly name: string },
  sizes: readonly number[],
): WaitingResult<typeof sender>[] {
  return sizes.map((bytes, index) => ({
    sender,
    bytes,
    callId: index,
    kind: "error",
    value: new ThroughlineError("not_found", sender.name),
  }));
}

test("an outbox sends small shares first, the rest in slices, and keeps the order of each call", () => {
  const outbox = createOutbox<Sender & { readonly name: string }>();
  const greedy = { name: "greedy", waitingBytes: 0, inTurn: 0 };
  const light = { name: "light", waitingBytes: 0, inTurn: 0 };
  for (const result of resultsOf(greedy, [10, ...new Array<number>(99).fill(shareBytes), 10])) outbox.add(result);
  for (const result of resultsOf(light, [10, 10])) outbox.add(result);
  expect(outbox.size).toBe(103);
  expect(greedy.waitingBytes).toBe(99 * shareBytes + 20);
  const batches: WaitingResult<Sender & { readonly name: string }>[][] = [];
  while (outbox.size > 0) batches.push(outbox.take());
  // The first of the greedy one was within its share; then 256 KiB a batch.
  expect(batches.map(({ length }) => length)).toEqual([19, 16, 16, 16, 16, 16, 4]);
  expect(batches[0]?.slice(0, 4).map(({ sender }) => sender.name)).toEqual(["greedy", "light", "light", "greedy"]);
  const all = batches.flat();
  for (const sender of [greedy, light]) {
    const order = all.filter((result) => result.sender === sender).map(({ callId }) => callId);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(sender).toMatchObject({ waitingBytes: 0, inTurn: 0 });
  }
});
