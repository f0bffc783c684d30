import fc from "fast-check";
import { expect, test } from "vitest";
import { filterOf, percentile, type Row } from "./filter.ts";
import { noLiveRows, withRows } from "./rows.ts";
import { rowAt } from "./use-rows.ts";

const codes = ["upstream_error", "not_found"];
const now = Date.parse("2026-11-30T12:00:00Z");
const asked = (address: string) => filterOf(new URLSearchParams(address), codes, now);

test("an address is a filter, and what it should not say is passed over", () => {
  expect(asked("")).toEqual({ from: "2026-11-29T12:00:00.000Z" });
  expect(asked("range=all")).toEqual({});
  expect(asked("range=1h&status=failed&error_code=not_found&model=gpt-4o&end_user=u&tag=t&key_id=3")).toEqual({
    from: "2026-11-30T11:00:00.000Z",
    statuses: ["failed"],
    error_code: "not_found",
    model: "gpt-4o",
    end_user: "u",
    tag: "t",
    key_id: "3",
  });
  expect(asked("range=toString&status=broken&error_code=constructor&key_id=abc&model=%20&other=1")).toEqual({
    from: "2026-11-29T12:00:00.000Z",
  });
});

test("a share of the requests took no longer than its percentile", () => {
  expect(percentile([], 0.5)).toBeUndefined();
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (times, share) => {
      const limit = percentile(times, share) ?? 0;
      expect(times.filter((time) => time <= limit).length / times.length).toBeGreaterThanOrEqual(share - 1e-9);
      expect(times).toContain(limit);
    }),
  );
});

test("rows that come stand once, newest first, each in its last state, above those that are there", () => {
  const row = (id: number, status: Row["status"]) => ({ id: String(100 + id), status }) as Row;
  const below = [row(50, "processing"), row(40, "succeeded")];
  const came = fc.record({ id: fc.integer({ min: 30, max: 99 }), status: fc.constantFrom("processing", "failed") });
  fc.assert(
    fc.property(fc.array(fc.array(came)), (batches) => {
      let live = noLiveRows;
      const last = new Map<string, string>();
      for (const batch of batches) {
        const rows = batch.map(({ id, status }) => row(id, status as Row["status"]));
        for (const { id, status } of rows) last.set(id, status);
        live = withRows(live, rows, below[0]?.id);
      }
      const shown = Array.from({ length: live.above.length + below.length }, (_, index) => rowAt(index, below, live));
      const ids = shown.map((one) => one?.id ?? "");
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
      expect(ids.filter((id) => id > "150").length).toBe([...last.keys()].filter((id) => id > "150").length);
      for (const one of shown) {
        const status = last.get(one?.id ?? "");
        if (status !== undefined) expect(one?.status).toBe(status);
      }
    }),
  );
});
