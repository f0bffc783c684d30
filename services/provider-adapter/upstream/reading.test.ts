import { expect, test } from "vitest";
import { Patience } from "./patience.ts";
import { Reading } from "./reading.ts";
import type { Watch } from "./watch.ts";

const bounds = { headersTicks: 0, chunkTicks: 0, bodyTicks: 0, drainTicks: 0 };

/** A call that is read, and how often it had to wait for its turn by then. */
function reading(isEvents: boolean) {
  let tick = 1;
  const watch: Watch = {
    add() {},
    delete() {},
    touch() {},
    now: () => tick,
    ticks: (timeMs) => timeMs,
    stop() {},
  };
  const request = { origin: "http://127.0.0.1", path: "/", method: "GET", headers: {} } as const;
  const patience = new Patience(watch, bounds, request, { onSilence() {} });
  const waiting: Reading[] = [];
  const one = new Reading(patience, { add: (each) => void waiting.push(each) });
  one.isEvents = isEvents;
  one.begin();
  return {
    passes: (ticks: number) => {
      tick += ticks;
    },
    reads: (bytes: number) => {
      one.read(bytes);
      const waited = waiting.length;
      for (const each of waiting.splice(0)) each.goOn();
      return waited;
    },
  };
}

test("16 KiB of events at once wait for a turn, in pieces of any size", () => {
  for (const piece of [100, 190, 4_096, 16_384]) {
    const { reads } = reading(true);
    const pieces = Math.ceil((10 * 16_384) / piece);
    let waits = 0;
    for (let index = 0; index < pieces; index += 1) waits += reads(piece);
    expect(waits, `pieces of ${piece}`).toBeGreaterThanOrEqual(9);
    expect(waits, `pieces of ${piece}`).toBeLessThanOrEqual(10);
  }
});

test("a stream that brings less than that in a tick never waits, however long it is", () => {
  const { passes, reads } = reading(true);
  let waits = 0;
  for (let index = 0; index < 10_000; index += 1) {
    waits += reads(190);
    if (index % 50 === 49) passes(1);
  }
  expect(waits).toBe(0);
});

test("32 KiB of anything else do: a long body is whole after half as many turns", () => {
  const { reads } = reading(false);
  let waits = 0;
  for (let index = 0; index < 90; index += 1) waits += reads(16_384);
  expect(waits).toBe(30);
});
