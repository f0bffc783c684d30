import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { countProcesses } from "./counters.ts";

test.runIf(process.platform === "linux")("counts writes, their bytes, and waits of all threads", async () => {
  const folder = mkdtempSync(join(tmpdir(), "counters-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const counted = countProcesses([{ name: "this", pid: process.pid, isDatabase: false, withChildren: false }]);
  // On a busy machine a timer may be due before the thread has to wait for it, so that is tried until it has.
  const hasWaited = (): boolean => (counted().switches ?? 0) >= 20;
  for (let wait = 0; wait < 20 || (wait < 2_000 && !hasWaited()); wait += 1) {
    appendFileSync(join(folder, "file"), Buffer.alloc(5_000));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { switches, calls, writtenBytes } = counted();
  expect(writtenBytes).toBeGreaterThanOrEqual(100_000);
  expect(calls).toBeGreaterThanOrEqual(20);
  expect(switches).toBeGreaterThanOrEqual(20);
});

test("says nothing of processes that are not there", () => {
  const counted = countProcesses([{ name: "nobody", pid: 2 ** 22 + 1, isDatabase: false, withChildren: false }]);
  expect(counted()).toEqual({ switches: undefined, calls: undefined, writtenBytes: undefined });
});
