import { expect, test } from "vitest";
import { createNeeds } from "./needs.ts";

test("a gateway is ready with what every request needs, rides over a blip, and names the rest", async () => {
  const there = { routing: false, billing: true, provider: true, history: true, jobs: true };
  let nowMs = 0;
  const names = Object.keys(there) as (keyof typeof there)[];
  const look = createNeeds(Object.fromEntries(names.map((name) => [name, async () => there[name]])), () => nowMs);
  expect(await look()).toEqual({ missing: ["routing"], away: [] });
  there.routing = true;
  expect(await look()).toEqual({ missing: [], away: [] });
  there.history = false;
  there.jobs = false;
  there.billing = false;
  nowMs = 9_000;
  expect(await look()).toEqual({ missing: [], away: ["billing", "history", "jobs"] });
  nowMs = 60_000;
  expect(await look()).toEqual({ missing: ["billing"], away: ["history", "jobs"] });
  there.billing = true;
  expect(await look()).toEqual({ missing: [], away: ["history", "jobs"] });
});
