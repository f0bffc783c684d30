import { expect, test, vi } from "vitest";
import { createRunning } from "./running.ts";

/** Files before this one in the same worker may have timers of their own: only the register's is looked at. */
const tickMs = 100;

test("a gateway without requests is not woken; one that runs has its reservation extended and is shown", async () => {
  vi.useFakeTimers();
  try {
    const extend = vi.fn(async () => ({}));
    const call = vi.fn(async () => ({}));
    const config = { processingAfterMs: 1_000, extendEveryMs: 2_000, callTimeoutMs: 1_000, finishTimeoutMs: 1_000 };
    const running = createRunning({
      billing: { extend },
      history: { record: { call } },
      log: { warn: vi.fn(), debug: vi.fn() },
      config,
    } as unknown as Parameters<typeof createRunning>[0]);
    const made = vi.spyOn(globalThis, "setInterval");
    const cleared = vi.spyOn(globalThis, "clearInterval");
    const ticking = () => made.mock.results.filter((_, at) => made.mock.calls[at]?.[1] === tickMs);
    for (let turn = 0; turn < 2; turn += 1) {
      const held = { id: 7n, traceparent: "", sinceMs: performance.now(), processing: () => ({}) as never };
      const release = running.hold(held);
      expect(ticking()).toHaveLength(turn + 1);
      const timer: unknown = ticking().at(-1)?.value;
      await vi.advanceTimersByTimeAsync(5_000);
      expect(call).toHaveBeenCalledTimes(turn + 1);
      expect(extend.mock.calls.length).toBeGreaterThanOrEqual(turn + 1);
      release();
      expect(cleared).not.toHaveBeenCalledWith(timer);
      await vi.advanceTimersByTimeAsync(200);
      expect(cleared).toHaveBeenCalledWith(timer);
      await vi.advanceTimersByTimeAsync(60_000);
    }
  } finally {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
});
