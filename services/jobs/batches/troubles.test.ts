import { expect, test } from "vitest";
import { createTroubles } from "./troubles.ts";

test("a batch rests when nobody has time for its lines, for longer each time, and goes on when one has ended", () => {
  const troubles = createTroubles();
  const fail = (times: number): number[] =>
    Array.from({ length: times }, () => troubles.failed(1n)).filter((pause) => pause > 0);
  expect(fail(15)).toEqual([]);
  expect(fail(1)).toEqual([1_000]);
  expect(fail(32)).toEqual([2_000, 4_000]);
  expect(fail(16 * 20).at(-1)).toBe(60_000);
  expect(troubles.failed(2n)).toBe(0);
  troubles.ended(1n);
  expect(fail(16)).toEqual([1_000]);
});
