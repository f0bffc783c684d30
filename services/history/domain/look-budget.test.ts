import fc from "fast-check";
import { expect, test } from "vitest";
import { costOfLook, createLookBudget } from "./look-budget.ts";

const how = fc.record({ byLabel: fc.boolean(), labels: fc.nat({ max: 2 }) });

test("whatever a list finds, it reads what its page may cost and one statement's least for each way", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(how, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (limit, ways, found) => {
        let budget = createLookBudget(limit, ways.length);
        let buffers = 0;
        let statements = 0;
        for (const [n, way] of ways.entries()) {
          if (n > 0) budget = budget.withNextWay();
          while (!budget.isSpent()) {
            const looks = Math.floor(budget.looks(way) * (found.next().value ?? 0));
            budget = budget.afterLooks(way, looks);
            buffers += looks * costOfLook(way);
            statements++;
          }
        }
        const most = Math.max(5_000, 50 * limit);
        expect(buffers).toBeLessThanOrEqual(most + ways.length * 20 * costOfLook({ byLabel: true, labels: 2 }));
        expect(statements).toBeLessThanOrEqual(most / 100 + ways.length);
      },
    ),
  );
});

test("a statement may always look at a few, so that a list comes further", () => {
  const budget = createLookBudget(50, 1).afterLooks({ byLabel: true, labels: 0 }, 1_000_000);
  expect(budget.isSpent()).toBe(true);
  expect(budget.looks({ byLabel: true, labels: 2 })).toBeGreaterThan(0);
});
