import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { roleFlags } from "./role-flags.ts";

/** Megabytes of the young generation that Node has room for with these options. */
function youngMb(flags: readonly string[]): number {
  const script = `
    const young = () => v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
    let most = 0;
    let kept = [];
    for (let at = 0; at < 2_000_000; at += 1) {
      kept.push({ at });
      if (kept.length > 200_000) kept = [];
      if (at % 10_000 === 0) most = Math.max(most, young());
    }
    console.log(most / 2 ** 20);
  `;
  return Number(execFileSync(process.execPath, [...flags, "-e", script], { encoding: "utf8" }));
}

test("a service of many buffers has a small young generation, as Node understands it", () => {
  const small = youngMb(roleFlags("history", {}));
  expect(small).toBeLessThanOrEqual(24);
  expect(youngMb(roleFlags("gateway", {}))).toBeGreaterThan(small);
});

test("what the user says holds", () => {
  expect(roleFlags("history", { NODE_OPTIONS: "--no-warnings" })).toHaveLength(1);
  expect(roleFlags("history", { NODE_OPTIONS: "--max-semi-space-size=64" })).toEqual([]);
});
