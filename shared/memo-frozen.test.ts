import { expect, test } from "vitest";
import { memoFrozen } from "./memo-frozen.ts";

test("what is frozen is looked at once, what may change each time", () => {
  let made = 0;
  const length = memoFrozen((list: readonly number[]) => {
    made += 1;
    return list.length;
  });
  const frozen = Object.freeze([1, 2, 3]);
  expect([length(frozen), length(frozen)]).toEqual([3, 3]);
  expect(made).toBe(1);
  const open = [1];
  expect(length(open)).toBe(1);
  open.push(2);
  expect(length(open)).toBe(2);
});
