import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { createLinger, lingerFor } from "./linger.ts";

afterEach(() => void vi.useRealTimers());

test.each([
  ["the first one waits for others", { count: 1, waited: false }, 40],
  ["a few wait on", { count: 31, waited: false }, 40],
  ["as many as are a good batch do not", { count: 32, waited: false }, 0],
  ["one that somebody waits for takes the others along", { count: 1, waited: true }, 0],
  ["that holds beside many", { count: 31, waited: true }, 0],
])("%s", (_name, gathered, waitMs) => {
  expect(lingerFor(gathered, { lingerMs: 40, enough: 32 })).toBe(waitMs);
  expect(lingerFor(gathered, { lingerMs: 0, enough: 32 })).toBe(0);
});

/** What happens at a place where things gather: time passes, or some arrive together, or somebody needs them, or it ends. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 60 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("come" as const),
      count: fc.integer({ min: 1, max: 6 }),
      waited: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "hurry" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "stop" as const }) },
);

test("nothing waits longer than it may, nothing that is waited for waits, and nothing is left", () => {
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 30 }),
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 1, max: 12 }),
      (happenings, lingerMs, enough) => {
        vi.useFakeTimers();
        let nowMs = 0;
        let stopped = false;
        let gathered: { sinceMs: number; waited: boolean }[] = [];
        const linger = createLinger({ lingerMs, enough }, () => {
          for (const { sinceMs } of gathered) expect(nowMs - sinceMs).toBeLessThanOrEqual(lingerMs);
          gathered = [];
        });
        for (const one of happenings) {
          if (one.kind === "pass") {
            for (let ms = 0; ms < one.ms; ms += 1) {
              nowMs += 1;
              vi.advanceTimersByTime(1);
              for (const { sinceMs } of gathered) expect(nowMs - sinceMs).toBeLessThan(lingerMs);
            }
          } else if (one.kind === "come") {
            const { waited } = one;
            for (let i = 0; i < one.count; i += 1) gathered.push({ sinceMs: nowMs, waited });
            linger.joined({ count: gathered.length, waited: gathered.some((thing) => thing.waited) });
            const goes = waited || stopped || gathered.length >= enough || lingerMs === 0;
            if (goes) expect(gathered).toEqual([]);
            expect(linger.isLingering()).toBe(gathered.length > 0);
          } else {
            linger[one.kind]();
            stopped ||= one.kind === "stop";
            expect(gathered).toEqual([]);
          }
        }
        linger.stop();
        expect(gathered).toEqual([]);
        expect(vi.getTimerCount()).toBe(0);
        vi.useRealTimers();
      },
    ),
  );
});
