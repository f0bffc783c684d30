const slots = 4_096;

/** Calls back at a later millisecond: one timer for all, however many wait. */
export interface Wheel {
  /** Calls `run` after `afterMs` (1 to 4,095), to the millisecond. */
  add(afterMs: number, run: () => void): void;
}

/** Creates a wheel of one-millisecond slots. It ticks only while something waits. */
export function createWheel(): Wheel {
  const ring: (() => void)[][] = Array.from({ length: slots }, () => []);
  let waiting = 0;
  let nowMs = 0;
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    const untilMs = Math.floor(performance.now());
    while (nowMs < untilMs) {
      nowMs += 1;
      const due = ring[nowMs % slots] ?? [];
      if (due.length === 0) continue;
      ring[nowMs % slots] = [];
      waiting -= due.length;
      for (const run of due) run();
    }
    if (waiting > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(afterMs, run) {
      if (timer === undefined) {
        nowMs = Math.floor(performance.now());
        timer = setInterval(tick, 1);
      }
      // From the time as it is, not as the last tick saw it: a busy loop would call too early.
      const dueMs = Math.floor(performance.now()) + Math.max(1, afterMs);
      ring[Math.min(dueMs, nowMs + slots - 1) % slots]?.push(run);
      waiting += 1;
    },
  };
}
