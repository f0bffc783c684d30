import fc from "fast-check";
import { expect, test } from "vitest";
import { shownCounts } from "./line-counts.ts";

const counts = fc.record({
  ...{ succeeded: fc.nat(50), failed: fc.nat(50), cancelled: fc.nat(50), expired: fc.nat(50) },
});
const sumOf = (one: object) => Object.values(one).reduce((sum: number, count) => sum + Number(count), 0);

test("a vendor's counts are shown beyond those of settled lines, never below them and never beyond the lines", () => {
  fc.assert(
    fc.property(counts, fc.option(counts, { nil: undefined }), fc.nat(300), (own, told, more) => {
      const total = sumOf(own) + more;
      const shown = shownCounts(total, own, told);
      expect(sumOf(shown)).toBeLessThanOrEqual(total);
      for (const kind of ["succeeded", "failed", "cancelled", "expired"] as const) {
        expect(shown[kind]).toBeGreaterThanOrEqual(own[kind]);
        if (told !== undefined && sumOf(told) + sumOf(own) <= total) {
          expect(shown[kind]).toBe(Math.max(own[kind], told[kind]));
        }
      }
      if (told === undefined) expect(shown).toEqual(own);
    }),
  );
});
