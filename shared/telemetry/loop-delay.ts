import { createHistogram, type EventLoopUtilization, performance } from "node:perf_hooks";

/** How late the event loop came to what was due, in seconds, since the last reading. */
export interface LoopDelays {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

/** Measures how late the event loop is. */
export interface LoopDelay {
  /** True: there is work, so it is probed. */
  readonly probing: () => boolean;
  /** What was seen since the last reading; zeros where nothing was. */
  read(): LoopDelays;
  stop(): void;
}

/** How often the event loop is probed while it works. */
const probeMs = 20;
/** How often it is looked at whether it works. */
const lookMs = 1_000;
/** Share of the time from which on it works. */
const busyShare = 0.02;

/** The time between two probes is recorded: what exceeds their period is the delay. */
function delaySeconds(intervalNs: number): number {
  return Math.max(0, intervalNs / 1e9 - probeMs / 1000);
}

/**
 * Probes the event loop while there is work. Fifty probes a second are most of what a process that rests does: of 62 wake-ups a
 * second they were 50. Node's own monitor cannot pause without losing what it saw.
 */
export function measureLoopDelay(everyMs = lookMs): LoopDelay {
  const seen = createHistogram();
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  let probedMs = 0;
  let timer: NodeJS.Timeout | undefined;

  function probe(): void {
    const nowMs = performance.now();
    seen.record(Math.max(1, Math.round((nowMs - probedMs) * 1e6)));
    probedMs = nowMs;
  }

  function begin(): void {
    probedMs = performance.now();
    timer = setInterval(probe, probeMs).unref();
  }

  function end(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function look(): void {
    const now = performance.eventLoopUtilization();
    const works = performance.eventLoopUtilization(now, before).utilization >= busyShare;
    before = now;
    if (works && timer === undefined) begin();
    else if (!works) end();
  }

  begin();
  const looking = setInterval(look, everyMs).unref();
  return {
    probing: () => timer !== undefined,
    read() {
      if (seen.count === 0) return { mean: 0, p99: 0, max: 0 };
      const { mean, max } = seen;
      const read = { mean: delaySeconds(mean), p99: delaySeconds(seen.percentile(99)), max: delaySeconds(max) };
      seen.reset();
      return read;
    },
    stop() {
      clearInterval(looking);
      end();
    },
  };
}
