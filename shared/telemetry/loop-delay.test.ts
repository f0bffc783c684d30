import { expect, test, vi } from "vitest";
import { measureLoopDelay } from "./loop-delay.ts";

/** Keeps the event loop from all else. */
function stall(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

test("a process that rests is not probed; what it did before is kept, and its rest is no delay", async () => {
  const delay = measureLoopDelay(200);
  try {
    await turn();
    stall(150);
    await vi.waitFor(() => expect(delay.probing()).toBe(false), { timeout: 5_000 });
    // It rests longer than it ever stood still.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(delay.probing()).toBe(false);
    stall(100);
    await vi.waitFor(() => expect(delay.probing()).toBe(true), { timeout: 5_000 });
    await turn();
    const { mean, p99, max } = delay.read();
    expect(max).toBeGreaterThan(0.1);
    expect(max).toBeLessThan(0.45);
    expect(p99).toBeLessThanOrEqual(max);
    expect(mean).toBeLessThan(max);
    expect(delay.read().max).toBeLessThan(0.1);
  } finally {
    delay.stop();
  }
});
