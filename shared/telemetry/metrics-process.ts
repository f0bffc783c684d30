import { readdirSync } from "node:fs";
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";

/** How often the event loop is probed. */
const probeMs = 20;

/** Node records the time between two probes: what exceeds the probe's own period is the delay. */
function delaySeconds(intervalNs: number): number {
  return Math.max(0, intervalNs / 1e9 - probeMs / 1000);
}

/**
 * What the process itself does: CPU, memory, heap, event loop. Names are those of the Prometheus client libraries, so
 * that common dashboards know them. Returns what stops the measuring.
 */
export function measureProcess(meter: Meter): () => void {
  const lag = monitorEventLoopDelay({ resolution: probeMs });
  lag.enable();
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });
  const cpu = meter.createObservableCounter("process_cpu_seconds_total", {
    unit: "seconds",
    description: "User and system CPU time spent.",
  });
  const started = gauge("process_start_time_seconds", "seconds", "Unix time of the start.");
  const resident = gauge("process_resident_memory_bytes", "bytes", "Resident memory.");
  const heapUsed = gauge("nodejs_heap_size_used_bytes", "bytes", "Heap in use.");
  const heapTotal = gauge("nodejs_heap_size_total_bytes", "bytes", "Heap reserved.");
  const external = gauge(
    "nodejs_external_memory_bytes",
    "bytes",
    "Memory of buffers and other objects outside the heap.",
  );
  const lagMean = gauge("nodejs_eventloop_lag_mean_seconds", "seconds", "Mean event loop delay since the last scrape.");
  const lagP99 = gauge(
    "nodejs_eventloop_lag_p99_seconds",
    "seconds",
    "99th percentile of the event loop delay since the last scrape.",
  );
  const lagMax = gauge(
    "nodejs_eventloop_lag_max_seconds",
    "seconds",
    "Longest event loop delay since the last scrape.",
  );
  const busy = gauge(
    "nodejs_eventloop_utilization_ratio",
    "",
    "Share of time the event loop was busy since the last scrape.",
  );
  const descriptors = gauge("process_open_fds", "", "Descriptors that are open; Linux only.");
  const all = [descriptors, cpu, started, resident, heapUsed, heapTotal, external, lagMean, lagP99, lagMax, busy];
  const read: Parameters<Meter["addBatchObservableCallback"]>[0] = (result) => {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const now = performance.eventLoopUtilization();
    const open = openDescriptors();
    if (open !== undefined) result.observe(descriptors, open);
    result.observe(cpu, (user + system) / 1e6);
    result.observe(started, performance.timeOrigin / 1000);
    result.observe(resident, memory.rss);
    result.observe(heapUsed, memory.heapUsed);
    result.observe(heapTotal, memory.heapTotal);
    result.observe(external, memory.external);
    // The histogram is empty (NaN) if two scrapes come within one reading.
    result.observe(lagMean, lag.count === 0 ? 0 : delaySeconds(lag.mean));
    result.observe(lagP99, lag.count === 0 ? 0 : delaySeconds(lag.percentile(99)));
    result.observe(lagMax, lag.count === 0 ? 0 : delaySeconds(lag.max));
    result.observe(busy, performance.eventLoopUtilization(now, before).utilization);
    before = now;
    lag.reset();
  };
  meter.addBatchObservableCallback(read, all);
  return () => {
    lag.disable();
    meter.removeBatchObservableCallback(read, all);
  };
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
