import { expect, test } from "vitest";
import { createSpanClock } from "./clock.ts";

/** Offsets of enough readings that the clock looks at the wall at least once. */
function settle(clock: ReturnType<typeof createSpanClock>): number {
  let offset = 0;
  for (let i = 0; i < 2048; i++) offset = clock.offsetMs();
  return offset;
}

test("wall time follows a clock that was set, forward or back", () => {
  let stepMs = 0;
  const clock = createSpanClock(() => Date.now() + stepMs);
  for (const step of [0, 60_000, -60_000]) {
    stepMs = step;
    expect(Math.abs(settle(clock) + clock.nowMs() - (Date.now() + step))).toBeLessThan(5);
  }
});

test("a drift within the steps of Date.now is left alone, so that spans do not jitter", () => {
  let driftMs = 0;
  const clock = createSpanClock(() => performance.timeOrigin + performance.now() + driftMs);
  const before = settle(clock);
  driftMs = 2;
  expect(settle(clock)).toBe(before);
});
