import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, test, vi } from "vitest";
import { createCustomResponses } from "./custom-responses.ts";

const warn = vi.fn();
const responses = createCustomResponses({ log: { warn }, timeoutMs: 300, maxOutputBytes: 1_000 });
afterAll(() => responses.stop());

const answer = Buffer.from(JSON.stringify({ data: [{ url: "a" }, { url: "b" }], text: "x".repeat(2_000) }));
const asked = (expression: string, from: Uint8Array = answer, accountId = 1n) => {
  return { accountId, requestId: 7n, expression, answer: from };
};
const make = (expression: string, from: Uint8Array = answer) => responses.make(asked(expression, from));

describe("custom_response", () => {
  test("is what the expression makes of the answer", async () => {
    expect(await make("{image_urls: data[].url}")).toEqual({ json: '{"image_urls":["a","b"]}' });
    expect(await make("data[0]")).toEqual({ json: '{"url":"a"}' });
    expect(await make("nothing")).toEqual({ json: "null" });
  });

  test("is null, with a note and a warning, where the expression fails", async () => {
    for (const [expression, from, problem] of [
      ["data[", answer, /./],
      ["abs(text)", answer, /./],
      ["{text: text}", answer, /larger than 1000 bytes/],
      ["data[0].url", answer, /not an object/],
      ["data[].url", answer, /not an object/],
      ["length(data)", answer, /not an object/],
      ["data != null", answer, /not an object/],
      ["data", Buffer.from("no JSON"), /not JSON/],
    ] as const) {
      warn.mockClear();
      const made = await make(expression, from);
      expect(made.json).toBe("");
      expect(made.note).toMatch(problem);
      expect(warn).toHaveBeenCalledOnce();
    }
  });

  test("of an expression without end or measure is cut short, and the next one is made", async () => {
    const doubling = `${Array.from({ length: 40 }, () => "[@,@]").join(" | ")} | {all: @}`;
    const [endless, greedy, next] = await Promise.all([
      make(doubling),
      make("pad_left(text, `900000000`)"),
      make("data[0]"),
    ]);
    expect(endless.note).toMatch(/took more than 300 ms/);
    expect(greedy.json).toBe("");
    expect(next).toEqual({ json: '{"url":"a"}' });
  });

  test("of an expression that is too slow time and again is left out for a while: others wait behind it", async () => {
    const doubling = `${Array.from({ length: 40 }, () => "[@,@]").join(" | ")} | {all: @}`;
    let nowMs = 0;
    let starts = 0;
    const own = createCustomResponses({
      ...{ log: { warn }, timeoutMs: 300, maxOutputBytes: 1_000, nowMs: () => nowMs },
      startWorker() {
        starts += 1;
        return new Worker(new URL("./worker.ts", import.meta.url));
      },
    });
    const slow = await Promise.all(Array.from({ length: 20 }, () => own.make(asked(doubling))));
    expect(slow.map(({ json }) => json)).toEqual(Array.from({ length: 20 }, () => ""));
    expect(slow.at(-1)?.note).toMatch(/left out/);
    expect(starts).toBe(3);
    expect(await own.make(asked("data[0]"))).toEqual({ json: '{"url":"a"}' });
    nowMs = 60_000;
    expect((await own.make(asked(doubling))).note).toMatch(/took more than 300 ms/);
    expect((await own.make(asked(doubling))).note).toMatch(/left out/);
    await own.stop();
  });

  test("is null where no thread can be had, and the next one is made", async () => {
    let starts = 0;
    const own = createCustomResponses({
      log: { warn },
      timeoutMs: 5_000,
      maxOutputBytes: 1_000,
      startWorker() {
        starts += 1;
        if (starts === 1) throw new Error("no thread is left");
        return new Worker(new URL("./worker.ts", import.meta.url));
      },
    });
    const [first, second] = await Promise.all([own.make(asked("data")), own.make(asked("data[0]"))]);
    expect(first.note).toBe("custom_response: the expression could not be evaluated: no thread is left");
    expect(second).toEqual({ json: '{"url":"a"}' });
    await own.stop();
  });

  test("of one account's slow expressions takes its share of the time, and no other account waits behind them", async () => {
    const doubling = `${Array.from({ length: 40 }, () => "[@,@]").join(" | ")} | {all: @}`;
    const own = createCustomResponses({ log: { warn }, timeoutMs: 100, maxOutputBytes: 1_000 });
    const order: string[] = [];
    const slow = Array.from({ length: 12 }, async (_, n) => {
      await own.make(asked(`${doubling} | {n${n}: @}`));
      order.push("slow");
    });
    const quick = [2n, 3n].map(async (accountId) => {
      expect(await own.make(asked("data[0]", answer, accountId))).toEqual({ json: '{"url":"a"}' });
      order.push("quick");
    });
    await Promise.all([...slow, ...quick]);
    // The first was running; behind it the accounts come in turn.
    expect(order.slice(0, 4)).toEqual(["slow", "quick", "quick", "slow"]);
    await own.stop();
  });
});
