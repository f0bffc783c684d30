import fc from "fast-check";
import { expect, test } from "vitest";
import { type AccountSize, portionsOf, type Stretch } from "./audit-portions.ts";

const size = 100;
const account = fc.record({
  accountId: fc.bigInt({ min: 1n, max: 12n }),
  stretches: fc.uniqueArray(
    fc.record({
      fromHour: fc.integer({ min: -3, max: 40 }).map((day) => day * 24),
      entries: fc.integer({ min: 1, max: 160 }),
    }),
    { selector: ({ fromHour }) => fromHour, maxLength: 8 },
  ),
  occurring: fc.subarray(["more", "tags", "images"]),
});

test("portions have each account and hour once, know what occurs there, and are no larger than they need be", () => {
  fc.assert(
    fc.property(fc.uniqueArray(account, { selector: ({ accountId }) => accountId, maxLength: 8 }), (found) => {
      const sorted = found.toSorted((a, b) => Number(a.accountId - b.accountId));
      const accounts = sorted.map(
        ({ accountId, stretches, occurring }): AccountSize => ({
          accountId,
          entries: stretches.reduce((sum, { entries }) => sum + entries, 0),
          occurring,
        }),
      );
      const stretches = sorted.flatMap(({ accountId, stretches }) =>
        stretches.toSorted((a, b) => a.fromHour - b.fromHour).map((stretch): Stretch => ({ accountId, ...stretch })),
      );
      const portions = portionsOf(accounts, stretches, size);
      const holds = (portion: (typeof portions)[number], accountId: bigint, hour: number) =>
        (portion.fromAccount ?? -1n) <= accountId &&
        (portion.toAccount ?? 99n) > accountId &&
        (portion.fromHour ?? -1e9) <= hour &&
        (portion.toHour ?? 1e9) > hour;
      for (let accountId = 0n; accountId < 15n; accountId++) {
        const occurring = accounts.find((each) => each.accountId === accountId)?.occurring ?? [];
        for (let hour = -100; hour < 1_000; hour += 31) {
          const holding = portions.filter((portion) => holds(portion, accountId, hour));
          expect(holding, `${accountId} ${hour}`).toHaveLength(1);
          expect([...(holding[0]?.occurring ?? [])]).toEqual(expect.arrayContaining([...occurring]));
        }
      }
      for (const portion of portions) {
        const held = stretches.filter(({ accountId, fromHour }) => holds(portion, accountId, fromHour));
        const entries = held.reduce((sum, stretch) => sum + stretch.entries, 0);
        expect(entries <= size || held.length === 1, JSON.stringify(held.map(String))).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});
