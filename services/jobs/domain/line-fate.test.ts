import { expect, test } from "vitest";
import { fateOf } from "./line-fate.ts";

test.each(["upstream_overloaded", "service_unavailable", "rate_limit_exceeded"] as const)(
  "a line that nobody had time for (%s) waits for as long as its batch lives, a minute at most",
  (code) => {
    for (const tries of [1, 2, 10, 1_000]) {
      const fate = fateOf(code, tries, 1);
      expect(fate).toEqual({ kind: "again", isCrowded: true, inMs: Math.min(60_000, 500 * 2 ** tries) });
    }
  },
);

test.each(["upstream_error", "upstream_timeout", "internal_error"] as const)("%s is tried four times", (code) => {
  expect([1, 2, 3, 4].map((tries) => fateOf(code, tries, 0).kind)).toEqual(["again", "again", "again", "failed"]);
});

test.each(["invalid_value", "context_length_exceeded", "content_filtered", "insufficient_quota"] as const)(
  "%s is the line's own fault",
  (code) => expect(fateOf(code, 1, 0)).toEqual({ kind: "failed" }),
);
