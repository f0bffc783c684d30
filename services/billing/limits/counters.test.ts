import { expect, test } from "vitest";
import type { Counter } from "../domain/rates.ts";
import { memoryCounters } from "./counters.ts";

const counter = (limit: number): Counter => ({ id: "key 1 requests", of: "key", unit: "requests", limit });

test("what was taken counts on when the limit changes, so that nobody begins a minute anew by changing it", async () => {
  const counters = memoryCounters();
  for (const limit of [3, 1, 1_000_000]) await counters.take({ counter: counter(limit), points: 2 });
  expect((await counters.peek(counter(5)))?.used).toBe(6);
  await counters.giveBack({ counter: counter(9), points: 5 });
  expect((await counters.take({ counter: counter(3), points: 1 })).used).toBe(2);
  await counters.close();
});
