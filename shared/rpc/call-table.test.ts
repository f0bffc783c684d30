import fc from "fast-check";
import { expect, test } from "vitest";
import { createCallTable, type Numbered } from "./call-table.ts";

interface Call extends Numbered<Call> {
  readonly callId: number;
  nextInTable: Call | undefined;
}

test("it finds what a Map would, however the numbers fall into its buckets", () => {
  const number = fc.oneof(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 0, max: 8 }).map((n) => 7 + n * 256),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ adds: fc.boolean(), callId: number }), { maxLength: 200 }), (steps) => {
      const table = createCallTable<Call>();
      const model = new Map<number, Call>();
      for (const { adds, callId } of steps) {
        expect(table.get(callId)).toBe(model.get(callId));
        if (!adds) expect(table.delete(callId)).toBe(model.delete(callId));
        else if (!model.has(callId)) {
          const call: Call = { callId, nextInTable: undefined };
          table.add(call);
          model.set(callId, call);
        }
        expect(table.size).toBe(model.size);
      }
      expect(new Set(table.values())).toEqual(new Set(model.values()));
    }),
  );
});
