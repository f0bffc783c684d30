import fc from "fast-check";
import { LRUCache } from "lru-cache";
import { expect, test } from "vitest";
import { fewAlike } from "./few-alike.ts";

/** Boxes of names, and how many were made. */
function boxes(most: number) {
  const made: string[] = [];
  const box = fewAlike(
    most,
    (one: { name: string }, other) => one.name === other.name,
    ({ name }) => {
      made.push(name);
      return { name };
    },
  );
  return { made, box: (name: string) => box({ name }) };
}

test("what is alike is made once and is the same object, what differs is its own", () => {
  const { made, box } = boxes(2);
  const first = box("a");
  expect(box("a")).toBe(first);
  expect(box("b")).toEqual({ name: "b" });
  expect(box("a")).toBe(first);
  expect(made).toEqual(["a", "b"]);
});

test("what came first does not keep its place when others are asked for instead", () => {
  const { made, box } = boxes(2);
  for (const name of ["a", "b", "c", "c", "d", "c", "d"]) box(name);
  expect(made).toEqual(["a", "b", "c", "d"]);
});

test("as many are remembered as are allowed, namely those that were asked for last", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.constantFrom(..."abcdefgh")), (most, asked) => {
      const { made, box } = boxes(most);
      const lru = new LRUCache<string, true>({ max: most });
      const expected = asked.filter((name) => {
        const isNew = lru.get(name) === undefined;
        lru.set(name, true);
        return isNew;
      });
      for (const name of asked) expect(box(name)).toEqual({ name });
      expect(made).toEqual(expected);
    }),
  );
});
