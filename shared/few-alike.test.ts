import { expect, test } from "vitest";
import { fewAlike } from "./few-alike.ts";

test("what is alike is made once, what differs or comes beyond the bound is its own", () => {
  let made = 0;
  const boxed = fewAlike(
    2,
    (one: { name: string }, other) => one.name === other.name,
    ({ name }) => {
      made += 1;
      return { name };
    },
  );
  const first = boxed({ name: "a" });
  expect(boxed({ name: "a" })).toBe(first);
  expect(boxed({ name: "b" })).toEqual({ name: "b" });
  expect(made).toBe(2);
  expect(boxed({ name: "c" })).toEqual({ name: "c" });
  expect(boxed({ name: "c" })).not.toBe(boxed({ name: "c" }));
  expect(boxed({ name: "a" })).toBe(first);
});
