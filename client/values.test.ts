import fc from "fast-check";
import { expect, test } from "vitest";
import { formatUsd, parseUsd } from "../shared/money/usd.ts";
import { nanoUsd, noteRequestId, requestIdOf, usd } from "./values.ts";

test("amounts are those of the platform, exactly, in both directions", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (nanos) => {
      expect(usd(nanos)).toBe(formatUsd(nanos));
      expect(nanoUsd(formatUsd(nanos))).toBe(nanos);
      expect(nanoUsd(usd(nanos))).toBe(parseUsd(usd(nanos)));
    }),
  );
});

test.each(["", "1e3", "1.0000000001", "$1", "1,5", " 1"])("%j is no amount", (text) => {
  expect(() => nanoUsd(text)).toThrow(RangeError);
});

test("an answer knows its request, and nobody sees it in the answer", () => {
  const answer = { has_more: false };
  noteRequestId(answer, "7");
  expect([requestIdOf(answer), JSON.stringify(answer), { ...answer }]).toEqual([
    "7",
    '{"has_more":false}',
    { has_more: false },
  ]);
  expect(requestIdOf({ throughline: { request_id: "8" } })).toBe("8");
  for (const other of [undefined, null, "7", {}, []]) expect(requestIdOf(other)).toBeUndefined();
  noteRequestId(Object.freeze({}), "7");
});
