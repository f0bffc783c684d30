import fc from "fast-check";
import { expect, test } from "vitest";
import { type Only, type Wanted, type Way, waysOf } from "./ways.ts";

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const ids = fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 });
const wanted: fc.Arbitrary<Wanted<string>> = fc.record({
  scope: fc.constantFrom({ kind: "operator" as const }, { kind: "account" as const, accountId: 1n }),
  keyId: maybe(fc.constant(10n)),
  userId: maybe(fc.constant("user")),
  shapeIds: maybe(ids),
  outcomeIds: maybe(ids),
  labels: fc.uniqueArray(fc.constantFrom("alias", "end user", "tag"), { maxLength: 3 }),
  failed: fc.boolean(),
});

/** What holds of each record that a way gives. */
function holds({ scope, only, along, filter }: Way<string>) {
  const of = (by: Only["by"], part: Only | undefined) => (part?.by === by ? part : undefined);
  const user = only?.by === "user" ? only.userId : scope.kind === "user" ? scope.userId : undefined;
  const key = only?.by === "key" ? only.keyId : scope.kind === "key" ? scope.keyId : undefined;
  return {
    accountId: scope.kind === "operator" ? undefined : scope.accountId,
    keyId: filter.keyId ?? key,
    userId: filter.userId ?? user,
    shapeIds: filter.shapeIds ?? (only?.by === "shape" ? only.shapeIds : undefined),
    outcomeIds: filter.outcomeIds ?? (only?.by === "outcome" ? only.outcomeIds : undefined),
    labels: [...filter.labels, ...(along === undefined ? [] : [along])].sort(),
    failed: of("failed", only) !== undefined,
  };
}

test("every way gives what is asked for and nothing else, whichever index it goes by", () => {
  fc.assert(
    fc.property(wanted, fc.boolean(), (asked, byTerms) => {
      const { scope, labels, failed, ...named } = asked;
      for (const way of waysOf(asked, byTerms)) {
        const { failed: onlyFailed, ...held } = holds(way);
        expect(held).toEqual({
          ...named,
          accountId: scope.kind === "account" ? scope.accountId : undefined,
          labels: labels.toSorted(),
        });
        if (onlyFailed) expect(failed).toBe(true);
      }
    }),
  );
});

test("the first way goes in the order of the list, so that each call brings it further", () => {
  fc.assert(
    fc.property(wanted, fc.boolean(), (asked, byTerms) => {
      const [first] = waysOf(asked, byTerms);
      expect(first.only).toBeUndefined();
    }),
  );
});

test("each filter that an index has is a way, so that the one of few is among them", () => {
  const account = { kind: "account" as const, accountId: 1n };
  const named = { keyId: 10n, userId: "user", shapeIds: [1], outcomeIds: [2], labels: ["tag"], failed: true };
  const told = (ways: readonly Way<string>[]) => ways.map(({ scope, only, along }) => only?.by ?? along ?? scope.kind);
  expect(told(waysOf({ ...named, scope: account }, true))).toEqual(["tag", "user", "key", "outcome", "shape", "tag"]);
  expect(told(waysOf({ ...named, scope: { kind: "operator" } }, true))).toEqual([
    "tag",
    "key",
    "user",
    "outcome",
    "shape",
    "tag",
  ]);
  expect(told(waysOf({ scope: account, labels: [], failed: false, keyId: 10n, userId: "user" }, false))).toEqual([
    "user",
    "key",
  ]);
  expect(told(waysOf({ scope: { kind: "operator" }, labels: [], failed: true }, false))).toEqual([
    "operator",
    "failed",
  ]);
});
