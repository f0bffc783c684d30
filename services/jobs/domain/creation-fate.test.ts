import { expect, test } from "vitest";
import { type CreationFate, creationFate } from "./creation-fate.ts";

test.each<[string, number, boolean, number, CreationFate]>([
  ["an answer that was lost", 0, true, 0, "find"],
  ["an answer that cannot be read", 200, true, 0, "find"],
  ["a fault behind which a batch may stand", 500, false, 0, "find"],
  ["what stands before a vendor", 502, false, 3, "find"],
  ["a refusal of the body", 400, false, 0, "own"],
  ["a key that may not", 403, false, 0, "own"],
  ["a server without batches", 404, false, 0, "own"],
  ["a body that is too large", 413, false, 0, "own"],
  ["a rate", 429, false, 0, "again"],
  ["an overload", 529, false, 6, "again"],
  ["an overload that does not end", 529, false, 7, "own"],
  ["nobody there", 0, false, 0, "again"],
  ["nobody there for long", 0, false, 7, "own"],
])("of %s (status %d, unknown %s, after %d)", (_what, status, isUnknown, failures, fate) => {
  expect(creationFate({ status, isUnknown }, failures)).toBe(fate);
});
