import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { createDeadlines, roundDuration } from "./deadlines.ts";

test("a duration is never shortened, and lengthened by at most 1/64", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 2 ** 31 - 1, noNaN: true }), (timeoutMs) => {
      const rounded = roundDuration(timeoutMs);
      expect(rounded).toBeGreaterThanOrEqual(timeoutMs);
      expect(rounded).toBeLessThanOrEqual(Math.ceil(timeoutMs) * (1 + 1 / 64));
    }),
  );
  expect([0, 1, 127, 128, 129, 5_000, 2 ** 40].map(roundDuration)).toEqual([1, 1, 127, 128, 130, 5_056, 2 ** 31 - 1]);
});

test("each expires once, in its time and order; the removed never", async () => {
  const deadlines = createDeadlines();
  const startedMs = performance.now();
  const expired: { name: string; afterMs: number }[] = [];
  const { promise: last, resolve } = Promise.withResolvers<void>();
  const entry = (name: string, timeoutMs: number, then = () => {}) =>
    deadlines.add(
      {
        expire: () => {
          expired.push({ name, afterMs: performance.now() - startedMs });
          then();
        },
      },
      timeoutMs,
    );
  entry("b", 40);
  const removed = entry("never", 40);
  entry("c", 40);
  const beside = entry("removed by its neighbour", 41);
  entry("a", 10, () => deadlines.remove(beside));
  entry("last", 60, resolve);
  deadlines.remove(removed);
  deadlines.remove(removed);
  const keepAlive = setTimeout(() => {}, 1_000);
  await last;
  clearTimeout(keepAlive);
  expect(expired.map(({ name }) => name)).toEqual(["a", "b", "c", "last"]);
  expect(expired.every(({ afterMs }, index) => afterMs >= ([10, 40, 40, 60][index] ?? 0))).toBe(true);
});

test("one that adds another as it expires does not delay those behind it", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const deadlines = createDeadlines();
  const again = { expire: () => void deadlines.add({ expire: () => {} }, 1_000) };
  deadlines.add(again, 1_000);
  vi.advanceTimersByTime(100);
  let expired = false;
  const expire = () => {
    expired = true;
  };
  deadlines.add({ expire }, 1_000);
  // A duration is lengthened by at most 1/64; the one that was added in between ends at about 2,000.
  vi.advanceTimersByTime(1_100);
  expect(expired).toBe(true);
});
