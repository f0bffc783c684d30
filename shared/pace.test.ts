import { expect, test } from "vitest";
import { createPace } from "./pace.ts";

test("long work gives others their turn after each piece, short work never", async () => {
  let nowMs = 0;
  const pace = createPace(() => nowMs);
  let turns = 0;
  setImmediate(() => turns++);
  expect(pace()).toBeUndefined();
  nowMs = 1;
  await pace();
  expect(turns).toBe(1);
  expect(pace()).toBeUndefined();
  nowMs = 2;
  expect(pace()).toBeInstanceOf(Promise);
});
