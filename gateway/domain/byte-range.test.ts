import { expect, test } from "vitest";
import { byteRange, heededRange } from "./byte-range.ts";

test.each([
  [undefined, "whole"],
  ["bytes=0-", { first: 0, last: 99 }],
  ["bytes=10-19", { first: 10, last: 19 }],
  ["bytes=99-", { first: 99, last: 99 }],
  ["bytes=50-1000", { first: 50, last: 99 }],
  ["bytes=-1", { first: 99, last: 99 }],
  ["bytes=-1000", { first: 0, last: 99 }],
  ["bytes=100-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", "whole"],
  ["bytes=-", "whole"],
  ["bytes=0-1,5-6", "whole"],
  ["lines=1-2", "whole"],
  ["bytes=a-b", "whole"],
  ["bytes=-5-9", "whole"],
])("Range: %s of 100 bytes", (header, range) => {
  expect(byteRange(header, 100)).toEqual(range);
});

test("nothing has no first byte", () => {
  expect(byteRange("bytes=0-", 0)).toBe("unsatisfiable");
  expect(byteRange(undefined, 0)).toBe("whole");
});

test.each([
  "bytes=0-",
  "bytes=10-19",
  "bytes=-1",
  " bytes=100- ",
  "bytes=5-4",
  "bytes=-",
  "bytes=0-1,5-6",
  "lines=1-2",
  "",
])("%s is passed on exactly where it would be heeded here", (header) => {
  expect(heededRange(header)).toBe(byteRange(header, 10_000) === "whole" ? undefined : header.trim());
});
