import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTurns, type Waiting } from "./turns.ts";

test("so many go on in a turn, in the order in which they came; who comes again waits behind the others", async () => {
  const turns = createTurns<Waiting>(2);
  const went: string[] = [];
  const waiting = (name: string, again: boolean): Waiting => ({
    goOn: () => {
      went.push(name);
      if (again) turns.add(waiting(`${name} again`, false));
    },
  });
  for (const name of ["a", "b", "c", "d", "e"]) turns.add(waiting(name, name === "a"));
  expect(went).toEqual([]);
  const counts: number[] = [];
  while (went.length < 6) {
    await nextTurn();
    counts.push(went.length);
  }
  expect(counts).toEqual([2, 4, 6]);
  expect(went).toEqual(["a", "b", "c", "d", "e", "a again"]);
});
