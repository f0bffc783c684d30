import { expect, test } from "vitest";
import { createRequestIdSource, traceIdOf } from "../request-id.ts";
import { createSampler } from "./sampler.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";

test.each([
  ["always_on", true, true, true],
  ["always_off", false, false, false],
  ["traceidratio", true, true, true],
  ["parentbased_always_on", true, true, false],
  ["parentbased_always_off", false, true, false],
  ["parentbased_traceidratio", true, true, false],
] as const)(
  "%s with ratio 1: without parent, with a sampled one, with an unsampled one",
  (name, none, sampled, unsampled) => {
    const sampler = createSampler(name, 1);
    expect([sampler(trace, undefined), sampler(trace, 1), sampler(trace, 0)]).toEqual([none, sampled, unsampled]);
  },
);

test("the ratio holds on trace IDs of consecutive request IDs, and every process decides alike", () => {
  const ids = createRequestIdSource({ nowMs: () => 1_700_000_000_000 });
  ids.setLease({ node: 1, validFromMs: 1_600_000_000_000, validUntilMs: 1_800_000_000_000 });
  const traceIds = Array.from({ length: 20_000 }, () => traceIdOf(ids.next()));
  const here = createSampler("parentbased_traceidratio", 0.1);
  const there = createSampler("traceidratio", 0.1);
  const picked = traceIds.filter((id) => here(id, undefined));
  expect(picked.length).toBeGreaterThan(1800);
  expect(picked.length).toBeLessThan(2200);
  expect(traceIds.filter((id) => there(id, undefined))).toEqual(picked);
});

test("ratio 0 picks none", () => {
  expect(createSampler("traceidratio", 0)(trace, undefined)).toBe(false);
});
