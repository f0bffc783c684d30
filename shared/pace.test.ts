import { expect, test } from "vitest";
import { besideRequests, createPacing, mapInPieces, type PacingClock } from "./pace.ts";
import { createRequestCount, joinRequestCount } from "./request-count.ts";

/** A clock that stands still unless it is told, and notes how others were given their turn: 0 for a turn, else the rest. */
function testClock() {
  const clock = { nowMs: 0, given: [] as number[] };
  const parts: PacingClock = {
    nowMs: () => clock.nowMs,
    nextTurn: async () => clock.given.push(0),
    rest: async (ms) => clock.given.push(ms),
  };
  return { clock, parts, pacing: createPacing({ clock: parts }) };
}

test("long work gives others their turn after each piece, short work never", async () => {
  const pace = createPacing().pace();
  expect(pace()).toBeUndefined();
  const { clock, pacing } = testClock();
  const long = pacing.pace();
  expect(long()).toBeUndefined();
  clock.nowMs = 1;
  await long();
  expect(long()).toBeUndefined();
  clock.nowMs = 2;
  await long();
  expect(clock.given).toEqual([0, 0]);
});

test("work in bulk rests while a request runs, less for a while after the last, and not where nobody asks", async () => {
  const { clock, pacing } = testClock();
  const pace = pacing.pace();
  const piece = async (): Promise<void> => {
    clock.nowMs += 1;
    await pace();
  };
  await piece();
  pacing.begun();
  pacing.begun();
  await piece();
  pacing.ended();
  await piece();
  pacing.ended();
  await piece();
  clock.nowMs += 1_000;
  await piece();
  const [quiet, one, other, after, later] = clock.given;
  expect([quiet, later]).toEqual([0, 0]);
  expect(one).toBe(other);
  expect(after).toBeGreaterThan(0);
  expect(one).toBeGreaterThan(after ?? 0);
});

test("a thread beside rests for a multiple of its work while requests run on another, whose count it has joined", async () => {
  const { clock, parts } = testClock();
  const answering = createRequestCount(parts.nowMs);
  const requests = joinRequestCount(answering.memory, parts.nowMs);
  const pace = createPacing({ clock: parts, pieces: besideRequests, requests }).pace();
  const work = async (ms: number): Promise<void> => {
    clock.nowMs += ms;
    await pace();
  };
  await work(3);
  answering.begun();
  await work(3);
  await work(4);
  answering.ended();
  await work(3);
  clock.nowMs += 1_000;
  await work(3);
  const [quiet, three, four, after, later] = clock.given;
  expect([quiet, later]).toEqual([0, 0]);
  expect([three, four].map((ms = 0) => ms / besideRequests.restMs(true, 1))).toEqual([3, 4]);
  expect(after).toBe(besideRequests.restMs(false, 3));
  // Less than a third of a core in the thread, so that its server has room beside it.
  expect(besideRequests.restMs(false, 1)).toBeGreaterThan(2);
});

test("however many work in bulk, they take one piece together between the turns of others", async () => {
  const { clock, pacing } = testClock();
  let workedMs = 0;
  const works = Array.from({ length: 10 }, () => {
    const pace = pacing.pace();
    return async () => {
      for (let step = 0; step < 20; step++) {
        clock.nowMs += 0.1;
        workedMs += 0.1;
        const others = pace();
        if (others !== undefined) await others;
      }
    };
  });
  await Promise.all(works.map((work) => work()));
  // A piece, and the step in which each of the others hears of it.
  expect(workedMs / clock.given.length).toBeLessThan(0.7 + 10 * 0.1 + 0.1);
});

test("a list is mapped in its order, with a turn for others after each piece", async () => {
  const items = Array.from({ length: 50 }, (_, n) => n);
  let steps = 0;
  const mapped = await mapInPieces(
    items,
    async () => {
      steps++;
    },
    (n) => n * 2,
  );
  expect(mapped).toEqual(items.map((n) => n * 2));
  expect(steps).toBe(items.length);
});
