import { expect, test } from "vitest";
import { errorCodes, isFault } from "../../shared/errors/catalogue.ts";
import { traceIdOf } from "../../shared/request-id.ts";
import type { Span } from "../../shared/telemetry/index.ts";
import { traceDropped } from "./keep-trace.ts";

const config = { traceKeepRatio: 0.01, traceKeepSlowerThanMs: 10_000 };
const incoming = (traceId: string, { recording = true, tookMs = 0 } = {}) => ({
  span: { traceId, recording } as Span,
  arrivedMs: performance.now() - tookMs,
  traceDropped: undefined as boolean | undefined,
});
const first = 767_212_140_985_061_376n;
const many = Array.from({ length: 20_000 }, (_, index) => traceIdOf(first + BigInt(index)));
const dropped = many.find((id) => traceDropped(config, incoming(id), undefined)) ?? "";

test("of good and quick requests the share is kept, the same ones everywhere", () => {
  const kept = many.filter((id) => !traceDropped(config, incoming(id), undefined));
  expect(kept.length / many.length).toBeGreaterThan(0.007);
  expect(kept.length / many.length).toBeLessThan(0.013);
  const more = many.filter((id) => !traceDropped({ ...config, traceKeepRatio: 0.1 }, incoming(id), undefined));
  expect(kept.every((id) => more.includes(id))).toBe(true);
});

test.each([
  [0, true],
  [1, false],
])("a share of %d", (traceKeepRatio, expected) => {
  expect(
    many.slice(0, 500).every((id) => traceDropped({ ...config, traceKeepRatio }, incoming(id), undefined) === expected),
  ).toBe(true);
});

test.each(errorCodes)("a request that ends as %s", (code) => {
  expect(traceDropped(config, incoming(dropped), code)).toBe(!isFault(code));
});

test("a slow one is kept, one that nobody recorded never, and what was said once holds", () => {
  expect(traceDropped(config, incoming(dropped, { tookMs: 10_001 }), undefined)).toBe(false);
  expect(
    traceDropped({ ...config, traceKeepRatio: 1 }, incoming(dropped, { recording: false }), "internal_error"),
  ).toBe(true);
  const one = incoming(dropped);
  expect(traceDropped(config, one, undefined)).toBe(true);
  expect(traceDropped(config, one, "internal_error")).toBe(true);
});
