import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { collect, soon, transports } from "./testing-pairs.ts";

const owed = { ...soon, acknowledges: true };

setFlagsFromString("--expose-gc");

/** Collects all that nothing leads to. */
async function collectGarbage(): Promise<void> {
  const gc: unknown = runInNewContext("gc");
  // An object that a WeakRef was asked for lives to the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (typeof gc === "function") gc();
}

describe.each(transports)("an acknowledged call %s", (_name, pair) => {
  test("that was acknowledged is forgotten: the end of its lane tells nothing", async () => {
    const { client, echo, stop } = await pair();
    const first = client.count.open({ frames: 2, frameBytes: 1, text: "owed-1" }, owed);
    await collect(first);
    first.acknowledgement.give();
    const second = client.count.open({ frames: 2, frameBytes: 1, text: "owed-2" }, owed);
    await collect(second);
    // The first one's acknowledgement came with the second call, the second's never comes.
    await stop(0);
    await echo.until(({ unacknowledged }) => unacknowledged.length > 0);
    expect(echo.seen.unacknowledged).toEqual(["owed-2"]);
  });

  test("whose lane breaks while it runs is told when its outcome is there", async () => {
    const { client, echo, stop } = await pair();
    const stream = client.count.open({ frames: 1_000_000, frameBytes: 1, text: "owed-watch" }, owed);
    for await (const { index } of stream) if (index === 1) break;
    await stop(0);
    await echo.until(({ unacknowledged }) => unacknowledged.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "owed-watch", code: expect.any(String) }]);
    expect(echo.seen.unacknowledged).toEqual(["owed-watch"]);
  });

  test("that failed owes nothing, and may be acknowledged all the same", async () => {
    const { client, echo, stop } = await pair();
    const stream = client.count.open({ text: "fail:x" }, owed);
    await expect(collect(stream)).rejects.toMatchObject({ code: "not_found" });
    stream.acknowledgement.give();
    stream.acknowledgement.give();
    await stop(0);
    expect(echo.seen.unacknowledged).toEqual([]);
  });

  test("keeps its lane until it is acknowledged", async () => {
    const { client, echo } = await pair({ laneMaxAgeMs: 50 });
    const stream = client.count.open({ frames: 1, frameBytes: 1, text: "owed-late" }, owed);
    await collect(stream);
    // Several lanes are of age meanwhile: calls go by younger ones, and the first one waits.
    const untilMs = performance.now() + 250;
    while (performance.now() < untilMs) await client.count.call({ frames: 1, frameBytes: 1 }, soon);
    expect(echo.seen.unacknowledged).toEqual([]);
    stream.acknowledgement.give();
    await client.close();
    expect(echo.seen.unacknowledged).toEqual([]);
  });

  test("leaves nothing but its acknowledgement: what its caller read with is not kept until that is given", async () => {
    const { client } = await pair();
    const end = async () => {
      const reader = { bytes: () => 1 };
      const stream = client.count.open({ frames: 2, frameBytes: 1 }, { ...owed, frameBytes: () => reader.bytes() });
      await collect(stream);
      return { reader: new WeakRef(reader), acknowledgement: stream.acknowledgement };
    };
    const { reader, acknowledgement } = await end();
    await expect.poll(() => collectGarbage().then(() => reader.deref())).toBeUndefined();
    acknowledgement.give();
  });

  test("knows its last frame when it gives it", async () => {
    const { client } = await pair();
    const stream = client.count.open({ frames: 3, frameBytes: 1 }, owed);
    const first = await stream[Symbol.asyncIterator]().next();
    expect(first.done).toBe(false);
    expect(stream.isLast()).toBe(false);
    await collect(stream);
    expect(stream.isLast()).toBe(true);
    stream.acknowledgement.give();
  });
});
