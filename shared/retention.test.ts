import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideRetention, type Hold } from "./retention.ts";

const nowMs = Date.UTC(2026, 10, 29);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const base = { nowMs, ownMs: nowMs, due: [] as bigint[], confirmed: 0n, everything: false, hold: undefined };
const old: Hold = { sinceMs: nowMs - 2 * dayMs, steppedMs: 0 };
const stepped: Hold = { ...old, steppedMs: nowMs - 30 * 60_000 };

describe("what goes of what is past its retention", () => {
  test.each([
    ["nothing due", {}, { below: 0n, waiting: 0 }],
    ["nothing due, after a hold", { hold: old }, { below: 0n, waiting: 0, hold: undefined }],
    ["one period", { due: [7n] }, { below: 7n, waiting: 0, hold: undefined }],
    ["one period, and nothing younger", { due: [7n], everything: true }, { below: 0n, waiting: 1 }],
    ["two periods", { due: [7n, 9n] }, { below: 0n, waiting: 2, hold: { sinceMs: nowMs, steppedMs: 0 } }],
    ["two periods, announced a day ago", { due: [7n, 9n], hold: old }, { below: 7n, waiting: 1 }],
    ["two periods, one of them gone just now", { due: [7n, 9n], hold: stepped }, { below: 0n, waiting: 2 }],
    ["the last of all, announced", { due: [7n], everything: true, hold: old }, { below: 7n, waiting: 0 }],
    ["an hour between the clocks", { due: [7n], ownMs: nowMs - hourMs }, { below: 0n, reason: "clocks differ" }],
    ["an hour the other way", { due: [7n], ownMs: nowMs + hourMs, hold: old }, { below: 0n, hold: old }],
    ["a hold of a clock that was ahead", { due: [7n, 9n], hold: { ...old, sinceMs: nowMs + dayMs } }, { below: 0n }],
    ["confirmed in part", { due: [7n, 9n, 12n, 20n], confirmed: 10n }, { below: 9n, waiting: 2 }],
    ["confirmed but for one", { due: [7n, 9n, 12n], confirmed: 10n }, { below: 12n, waiting: 0 }],
    ["confirmed, whatever the clocks say", { due: [7n, 9n], confirmed: 99n, ownMs: 0 }, { below: 9n, waiting: 0 }],
  ])("%s", (_, given, expected) => {
    expect(decideRetention({ ...base, ...given })).toMatchObject(expected);
  });

  test("a clock that is ahead for less than a day takes one period at most; all comes down in the end", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 10, max: 120 }), (periods, everyMinutes) => {
        let due = Array.from({ length: periods }, (_, i) => BigInt(i + 1));
        let hold: Hold | undefined;
        let takenOnFirstDay = 0;
        for (let atMs = nowMs; due.length > 0; atMs += everyMinutes * 60_000) {
          const step = decideRetention({ ...base, nowMs: atMs, ownMs: atMs, due, everything: true, hold });
          const left = due.filter((end) => end > step.below);
          expect(due.length - left.length).toBeLessThanOrEqual(1);
          expect(left.length).toBe(step.waiting);
          if (atMs - nowMs < dayMs) takenOnFirstDay += due.length - left.length;
          due = left;
          hold = step.hold;
          expect(atMs - nowMs).toBeLessThan(dayMs + (periods + 1) * (hourMs + everyMinutes * 60_000));
        }
        expect(takenOnFirstDay).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
