import fc from "fast-check";
import { expect, test } from "vitest";
import { coverOf } from "./usage-cover.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2027, 11, 30);

/** Times within hours, at hours, and at the beginnings of months, one of which has a leap day. */
const moment = fc.oneof(
  fc.integer({ min: startMs, max: Date.UTC(2028, 5, 2) }),
  fc.integer({ min: 0, max: 3_000 }).map((hours) => startMs + hours * hourMs),
  fc.integer({ min: 0, max: 6 }).map((months) => Date.UTC(2028, months, 1)),
  fc.constantFrom(0, Date.UTC(9_999, 11, 31)),
);

test("a range is covered once, by whole spans and by edges of less than an hour", () => {
  fc.assert(
    fc.property(
      moment,
      moment,
      fc.constantFrom(["month", "day", "hour"] as const, ["day", "hour"] as const, ["month", "day"] as const),
      (a, b, spans) => {
        const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b) + 1];
        const cover = coverOf(fromMs, toMs, spans);
        const pieces = [
          ...cover.edges.map((edge) => [edge.fromMs, edge.toMs] as const),
          ...cover.stretches.map((stretch) => [stretch.fromHour * hourMs, stretch.toHour * hourMs] as const),
        ].toSorted((x, y) => x[0] - y[0]);
        expect(pieces[0]?.[0]).toBe(fromMs);
        expect(pieces.at(-1)?.[1]).toBe(toMs);
        for (const [i, [from, to]] of pieces.entries()) {
          expect(from).toBeLessThan(to);
          if (i > 0) expect(from).toBe(pieces[i - 1]?.[1]);
        }
        const shortestMs = spans.at(-1) === "day" ? dayMs : hourMs;
        for (const edge of cover.stretches.length > 0 ? cover.edges : []) {
          expect(edge.toMs - edge.fromMs).toBeLessThan(shortestMs);
        }
        expect(cover.stretches.length).toBeLessThanOrEqual(5);
        for (const { span, fromHour, toHour } of cover.stretches) {
          for (const at of [new Date(fromHour * hourMs), new Date(toHour * hourMs)]) {
            if (span !== "hour") expect(at.getUTCHours()).toBe(0);
            if (span === "month") expect(at.getUTCDate()).toBe(1);
          }
        }
      },
    ),
  );
});
