import fc from "fast-check";
import { expect, test } from "vitest";
import { createRoster, type Place } from "./roster.ts";

test("it holds what was added and not removed, in its order, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ adds: fc.boolean(), at: fc.nat() }), { maxLength: 200 }), (steps) => {
      const roster = createRoster<number>();
      const places: Place<number>[] = [];
      const model: number[] = [];
      for (const [member, { adds, at }] of steps.entries()) {
        const place = places[at % Math.max(1, places.length)];
        if (adds || place === undefined) {
          places.push(roster.add(member));
          model.push(member);
        } else {
          const index = model.indexOf(place.member ?? -1);
          if (index >= 0) model.splice(index, 1);
          roster.remove(place);
        }
        expect([...roster]).toEqual(model);
        expect(roster.size).toBe(model.length);
        expect(roster.oldest).toBe(model[0]);
      }
    }),
  );
});

test("a member may be removed while it is being visited", () => {
  const roster = createRoster<string>();
  const places = new Map(["a", "b", "c"].map((member) => [member, roster.add(member)]));
  const seen: string[] = [];
  for (const member of roster) {
    seen.push(member);
    const place = places.get(member);
    if (place !== undefined) roster.remove(place);
  }
  expect(seen).toEqual(["a", "b", "c"]);
  expect(roster.size).toBe(0);
});
