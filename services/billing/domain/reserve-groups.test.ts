import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Grouped, reserveGroups } from "./reserve-groups.ts";

const few = fc.integer({ min: 1, max: 3 });
const item: fc.Arbitrary<Grouped> = fc.record({
  accountId: few.map(BigInt),
  keyId: few.map(BigInt),
  secretGeneration: few,
  tariffId: fc.option(few),
  amount: fc.bigInt({ min: 0n, max: 2n ** 62n }),
});

test("each kind of item is one group, with what all items of its account and of its key ask for", () => {
  void fc.assert(
    fc.property(fc.array(item, { maxLength: 40 }), (items) => {
      const nameOf = ({ accountId, keyId, secretGeneration, tariffId }: Omit<Grouped, "amount">) =>
        [accountId, keyId, secretGeneration, tariffId].join();
      const together = (some: readonly Grouped[]) => ({
        amount: some.reduce((sum, { amount }) => sum + amount, 0n),
        items: some.length,
      });
      const groups = reserveGroups(items);
      expect(groups.map(nameOf)).toEqual([...new Set(items.map(nameOf))]);
      for (const { accountId, keyId, ofAccount, ofKey } of groups) {
        const ofThat = items.filter((one) => one.accountId === accountId);
        expect(ofAccount).toEqual(together(ofThat));
        expect(ofKey).toEqual(together(ofThat.filter((one) => one.keyId === keyId)));
      }
    }),
  );
});
