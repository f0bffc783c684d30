import fc from "fast-check";
import { expect, test } from "vitest";
import { createShares } from "./shares.ts";

const limits = { linesAtOnce: 64, accountLinesAtOnce: 32, batchLinesAtOnce: 24 };

test("never more lines run than each bound allows, whatever comes and goes", () => {
  const step = fc.record({ batch: fc.nat(5), waiting: fc.integer({ min: 1, max: 6 }), ends: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const shares = createShares(limits);
      const open: bigint[] = [];
      const accountOf = (batch: bigint): bigint => batch % 2n;
      for (const { batch, waiting, ends } of steps) {
        const id = BigInt(batch);
        const share = shares.shareOf(id, accountOf(id), waiting);
        for (let i = 0; i < share; i++) {
          shares.take(id, accountOf(id));
          open.push(id);
        }
        expect(open.length).toBeLessThanOrEqual(limits.linesAtOnce);
        expect(open.filter((one) => one === id).length).toBeLessThanOrEqual(limits.batchLinesAtOnce);
        const ofAccount = open.filter((one) => accountOf(one) === accountOf(id)).length;
        expect(ofAccount).toBeLessThanOrEqual(limits.accountLinesAtOnce);
        for (const ended of open.splice(0, ends)) shares.give(ended, accountOf(ended));
        expect(shares.running()).toBe(open.length);
      }
    }),
  );
});

test("a batch that comes later has its part as soon as lines of the first end", () => {
  const shares = createShares({ linesAtOnce: 32, accountLinesAtOnce: 32, batchLinesAtOnce: 32 });
  for (let i = shares.shareOf(1n, 1n, 1); i > 0; i--) shares.take(1n, 1n);
  expect([shares.running(), shares.shareOf(2n, 2n, 2)]).toEqual([32, 0]);
  for (let i = 0; i < 16; i++) shares.give(1n, 1n);
  // The first one has its half and waits; the second has the other.
  expect([shares.shareOf(1n, 1n, 2), shares.shareOf(2n, 2n, 2)]).toEqual([0, 16]);
});

test("places that became free are filled a few at a time", () => {
  const shares = createShares({ linesAtOnce: 32, accountLinesAtOnce: 32, batchLinesAtOnce: 32 });
  for (let i = 0; i < 32; i++) shares.take(1n, 1n);
  shares.give(1n, 1n);
  expect([shares.shareOf(1n, 1n, 1), shares.isWorthALook(1n)]).toEqual([0, false]);
  for (let i = 0; i < 7; i++) shares.give(1n, 1n);
  expect([shares.shareOf(1n, 1n, 1), shares.isWorthALook(1n)]).toEqual([8, true]);
});
