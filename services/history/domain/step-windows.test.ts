import { expect, test } from "vitest";
import { nextSteps } from "./step-windows.ts";
import { firstId } from "./times.ts";

const stepMs = 3_600_000;
const atMs = Date.UTC(2026, 5, 14);

test.each([
  ["twice as many where there is time", 2, 1, 30, false, 4],
  ["as many as there is time for", 2, 10, 15, false, 3],
  ["none where one would take longer than there is time", 1, 20, 15, false, 0],
  ["one behind a part of a step, where there is time", 0.25, 2, 30, false, 1],
  ["none behind a part of a step, where a whole one would take too long", 0.25, 10, 30, false, 0],
  ["one where nothing was found yet, however long it may take", 0.25, 10, 30, true, 1],
  ["none without time, though nothing was found yet", 0.25, 40, 0, true, 0],
])("%s", (_what, steps, tookMs, leftMs, isEmpty, next) => {
  const range = { from: firstId(BigInt(atMs)), to: firstId(BigInt(atMs + steps * stepMs)) };
  expect(nextSteps(range, { stepMs, tookMs, leftMs, isEmpty })).toBe(next);
});
