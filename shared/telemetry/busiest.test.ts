import fc from "fast-check";
import { expect, test } from "vitest";
import { createBusiest } from "./busiest.ts";

const rest = { name: "other" };

function busiest(places: number) {
  const clock = { ms: 0 };
  const counts = createBusiest<"good" | "bad">(places, rest, { turnMs: 1_000, nowMs: () => clock.ms });
  return {
    clock,
    use: (name: string, kind: "good" | "bad" = "good") => counts.count(name, kind, () => ({ name })),
    read: () => Object.fromEntries(counts.read().map(({ labels, kind, value }) => [`${labels.name} ${kind}`, value])),
  };
}

test("who comes first has a series, the others share one, and who is busier gets a place later", () => {
  const { clock, use, read } = busiest(2);
  for (const name of ["a", "b", "c", "c", "c", "d"]) use(name);
  use("b", "bad");
  expect(read()).toEqual({ "a good": 1, "b good": 1, "b bad": 1, "other good": 4 });
  clock.ms = 1_000;
  // The least busy loses its series; what the new one was before stays where it was counted.
  use("c");
  expect(read()).toEqual({ "b good": 1, "b bad": 1, "c good": 1, "other good": 4 });
  use("a");
  expect(read()).toEqual({ "b good": 1, "b bad": 1, "c good": 1, "other good": 5 });
});

test("names that are about as busy take no place from each other", () => {
  const { clock, use, read } = busiest(1);
  for (let turn = 0; turn < 50; turn += 1) {
    for (const name of ["a", "b", "a", "b", "b"]) use(name);
    clock.ms += 1_000;
  }
  expect(read()).toEqual({ "a good": 100, "other good": 150 });
});

const uses = fc.array(fc.record({ name: fc.integer({ min: 0, max: 9 }), afterMs: fc.integer({ min: 0, max: 700 }) }), {
  maxLength: 400,
});

test("whoever comes, however often: the series are bounded, none falls, and few begin", () => {
  fc.assert(
    fc.property(uses, fc.integer({ min: 1, max: 4 }), (all, places) => {
      const { clock, use, read } = busiest(places);
      let before: Record<string, number> = {};
      let begun = 0;
      for (const { name, afterMs } of all) {
        clock.ms += afterMs;
        use(`n${name}`);
        const now = read();
        expect(Object.keys(now).length).toBeLessThanOrEqual(places + 1);
        for (const [series, value] of Object.entries(now)) {
          if (!(series in before)) begun += 1;
          else expect(value).toBeGreaterThanOrEqual(before[series] ?? 0);
        }
        before = now;
      }
      expect(begun).toBeLessThanOrEqual(places + 1 + Math.floor(clock.ms / 1_000));
    }),
  );
});
