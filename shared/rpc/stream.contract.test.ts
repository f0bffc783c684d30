import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../errors/error.ts";
import { collect, failureOf, soon, transports } from "./testing-pairs.ts";

describe.each(transports)("a streaming lane %s", (_name, pair) => {
  test("brings the frames in order, then the outcome", async () => {
    const { client } = await pair();
    const stream = client.count.open({ frames: 50, frameBytes: 10 }, soon);
    const frames = await collect(stream);
    expect(frames.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(frames.every(({ index, data }) => data.byteLength === 10 && data[0] === index)).toBe(true);
    expect(await stream.outcome).toMatchObject({ frames: 50, cancelled: false });
  });

  test("`call` waits for the outcome and reads past the frames", async () => {
    const { client } = await pair();
    expect(await client.count.call({ frames: 5, frameBytes: 100_000 }, soon)).toMatchObject({ frames: 5, pauses: 0 });
  });

  test("an error at once: the loop and the outcome both fail with it", async () => {
    const { client } = await pair();
    const stream = client.count.open({ text: "fail:x" }, soon);
    expect((await failureOf(collect(stream))).code).toBe("not_found");
    expect((await failureOf(stream.outcome)).code).toBe("not_found");
  });

  test("an error after frames comes after them", async () => {
    const { client } = await pair();
    const stream = client.count.open({ frames: 3, frameBytes: 1, text: "fail-late" }, soon);
    const got: number[] = [];
    const failed = await failureOf(
      (async () => {
        for await (const { index } of stream) got.push(index);
      })(),
    );
    expect(got).toEqual([0, 1, 2]);
    expect(failed.code).toBe("upstream_error");
  });

  describe("read by a callback", () => {
    test("gives the frames in order, and ends with the outcome", async () => {
      const { client } = await pair();
      const stream = client.count.open({ frames: 50, frameBytes: 10 }, soon);
      const got: number[] = [];
      const last: boolean[] = [];
      await stream.each(({ index }) => {
        got.push(index);
        last.push(stream.isLast());
        return undefined;
      });
      expect(got).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(last.slice(0, -1)).not.toContain(true);
      expect(await stream.outcome).toMatchObject({ frames: 50, cancelled: false });
    });

    test("waits for the promise that it is given, and the handler pauses meanwhile", async () => {
      const { client } = await pair();
      const stream = client.count.open({ frames: 40, frameBytes: 1_000 }, { ...soon, highWaterBytes: 4_000 });
      const got: number[] = [];
      let taking = false;
      await stream.each(async ({ index, data }) => {
        expect([taking, data[0]]).toEqual([false, index]);
        taking = true;
        // Until nothing more comes: the handler stands still.
        if (index === 0) await quiet(client);
        taking = false;
        got.push(index);
      });
      expect(got).toEqual(Array.from({ length: 40 }, (_, index) => index));
      expect((await stream.outcome).pauses).toBeGreaterThan(0);
    });

    test.each([
      [
        "throws",
        () => {
          throw new ThroughlineError("not_found", "mine");
        },
      ],
      ["rejects", () => Promise.reject(new ThroughlineError("not_found", "mine"))],
    ])("fails where the callback %s, which gets no more", async (_how, fail) => {
      const { client } = await pair();
      const stream = client.count.open({ frames: 10, frameBytes: 1 }, soon);
      let taken = 0;
      const failed = await failureOf(
        stream.each(() => {
          taken += 1;
          return fail();
        }),
      );
      expect([failed.code, (await stream.outcome).frames, taken]).toEqual(["not_found", 10, 1]);
    });

    test.each([
      ["fail:x", "not_found", 0],
      ["fail-late", "upstream_error", 3],
    ])("fails with the error of the handler (%s)", async (text, code, taken) => {
      const { client } = await pair();
      let got = 0;
      const stream = client.count.open({ frames: 3, frameBytes: 1, text }, soon);
      const failed = await failureOf(
        stream.each(() => {
          got += 1;
          return undefined;
        }),
      );
      expect([failed.code, got]).toEqual([code, taken]);
    });

    test("a cancel ends it at once", async () => {
      const { client } = await pair();
      const stream = client.count.open({ frames: 1_000_000, frameBytes: 1 }, soon);
      let after = 0;
      let stopped = false;
      await stream.each(({ index }) => {
        if (stopped) after += 1;
        if (index === 2) {
          stopped = true;
          stream.cancel();
        }
        return undefined;
      });
      expect([after, (await stream.outcome).cancelled]).toEqual([0, true]);
    });
  });

  test("leaving the loop cancels; the outcome still tells what was done", async () => {
    const { client, echo } = await pair();
    const stream = client.count.open({ frames: 1_000_000, frameBytes: 1, text: "watch" }, soon);
    for await (const { index } of stream) if (index === 3) break;
    const outcome = await stream.outcome;
    expect(outcome.cancelled).toBe(true);
    expect(outcome.frames).toBeGreaterThanOrEqual(4);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "client_closed_request" }]);
  });

  test.each(["cancel", "signal"])("%s ends the loop at once and stops the handler", async (way) => {
    const { client } = await pair();
    const controller = new AbortController();
    const stream = client.count.open({ frames: 1_000_000, frameBytes: 1 }, { ...soon, signal: controller.signal });
    let after = 0;
    let stopped = false;
    for await (const { index } of stream) {
      if (stopped) after += 1;
      if (index !== 2) continue;
      stopped = true;
      if (way === "cancel") stream.cancel();
      else controller.abort();
    }
    expect(after).toBe(0);
    expect((await stream.outcome).cancelled).toBe(true);
  });

  test("a cancel wakes a handler that was paused", async () => {
    const { client } = await pair();
    const stream = client.count.open({ frames: 1_000, frameBytes: 1_000 }, { ...soon, highWaterBytes: 2_000 });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    // Frames that came before the pause stay unread. The pause has arrived when nothing more comes for a while.
    await quiet(client);
    stream.cancel();
    const outcome = await stream.outcome;
    expect(outcome).toMatchObject({ cancelled: true, pauses: 1 });
  });

  test("at the deadline the loop fails, and the outcome is what the handler makes of it", async () => {
    const { client } = await pair();
    const stream = client.count.open({ frames: 1_000_000, frameBytes: 1 }, { timeoutMs: 50 });
    expect((await failureOf(collect(stream))).code).toBe("upstream_timeout");
    expect((await stream.outcome).cancelled).toBe(true);
  });

  test("a slow reader stalls its own handler and nobody else's", async () => {
    const { client } = await pair();
    const slow = client.count.open({ frames: 2_000, frameBytes: 1_000 }, { timeoutMs: 10_000 });
    const reader = slow[Symbol.asyncIterator]();
    expect((await reader.next()).value).toMatchObject({ index: 0 });
    const fast = client.count.open({ frames: 500, frameBytes: 1_000 }, { timeoutMs: 10_000 });
    expect((await collect(fast)).length).toBe(500);
    expect((await fast.outcome).pauses).toBeLessThan(500);
    // The slow one, read on, has lost nothing.
    const rest: number[] = [];
    for (let next = await reader.next(); !next.done; next = await reader.next()) rest.push(next.value.index);
    expect(rest).toEqual(Array.from({ length: 1_999 }, (_, index) => index + 1));
    expect((await slow.outcome).pauses).toBeGreaterThanOrEqual(1);
  });

  test("an unread stream holds about its high-water mark", async () => {
    const { client } = await pair();
    let decoded = 0;
    const stream = client.count.open(
      { frames: 100_000, frameBytes: 1_000 },
      {
        ...soon,
        highWaterBytes: 8_000,
        frameBytes: ({ data }) => {
          decoded += 1;
          return data.byteLength;
        },
      },
    );
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await quiet(client);
    expect(decoded).toBeGreaterThanOrEqual(8);
    expect(decoded).toBeLessThan(40);
    await reader.return?.();
    expect((await stream.outcome).frames).toBeLessThan(40);
  });

  test("200 streams at once keep apart", async () => {
    const { client } = await pair({ lanes: 2 });
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const frames = await collect(client.count.open({ frames: index, frameBytes: index % 7 }, soon));
        expect(frames.map((frame) => frame.index)).toEqual(Array.from({ length: index }, (_, at) => at));
      }),
    );
  });

  test("an oversized frame ends its call with an error, without a hole", async () => {
    const { client } = await pair({ maxMessageBytes: 10_000 });
    const stream = client.count.open({ frames: 2, frameBytes: 10_001 }, soon);
    expect((await failureOf(collect(stream))).code).toBe("internal_error");
    expect((await client.count.call({ frames: 1, frameBytes: 9_000 }, soon)).frames).toBe(1);
  });
});

/** Lets the streams of a client run dry: a hundred round trips on its lane. */
async function quiet(client: { echo: { call: (item: object, options: typeof soon) => Promise<unknown> } }) {
  for (let round = 0; round < 100; round += 1) await client.echo.call({}, soon);
}
