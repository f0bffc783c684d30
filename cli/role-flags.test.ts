import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { roleFlags } from "./role-flags.ts";

function run(flags: readonly string[], script: string): number {
  return Number(execFileSync(process.execPath, [...flags, "-e", script], { encoding: "utf8" }));
}

/** Megabytes of the young generation that Node has room for with these options. */
function youngMb(flags: readonly string[]): number {
  return run(
    flags,
    `
    const young = () => v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
    let most = 0;
    let kept = [];
    for (let at = 0; at < 2_000_000; at += 1) {
      kept.push({ at });
      if (kept.length > 200_000) kept = [];
      if (at % 10_000 === 0) most = Math.max(most, young());
    }
    console.log(most / 2 ** 20);
  `,
  );
}

/** Full collections while the old generation grows to 100 MB, after a first one. */
function fullCollections(flags: readonly string[]): number {
  return run(
    ["--expose-gc", ...flags],
    `
    const { constants, PerformanceObserver } = require("node:perf_hooks");
    let full = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries())
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR || detail.kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) full += 1;
    }).observe({ entryTypes: ["gc"] });
    const kept = [];
    const grow = () => {
      for (let at = 0; at < 10_000; at += 1) kept.push(new Array(128).fill(at));
      if (kept.length < 100_000) setImmediate(grow);
      else setTimeout(() => console.log(full), 10);
    };
    gc();
    setTimeout(() => { full = 0; grow(); }, 10);
  `,
  );
}

test("a service of many buffers has a small young generation, as Node understands it", () => {
  const small = youngMb(roleFlags("history", {}));
  expect(small).toBeLessThanOrEqual(24);
  expect(youngMb(roleFlags("gateway", {}))).toBeGreaterThan(small);
});

test("history begins no full collection while its memory is small, as Node understands it", () => {
  expect(fullCollections(roleFlags("history", {}))).toBe(0);
  expect(fullCollections(roleFlags("billing", {}))).toBeGreaterThan(0);
});

test("what the user says holds", () => {
  expect(roleFlags("history", { NODE_OPTIONS: "--no-warnings" })).toHaveLength(2);
  expect(roleFlags("history", { NODE_OPTIONS: "--max-semi-space-size=64" })).toEqual(["--initial-old-space-size=128"]);
  expect(roleFlags("history", { NODE_OPTIONS: "--max-old-space-size=96" })).toEqual(["--max-semi-space-size=8"]);
});
