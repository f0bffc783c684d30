import { readdirSync } from "node:fs";
import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";
import { measureLoopDelay } from "./loop-delay.ts";

/**
 * What the process itself does: CPU, memory, heap, event loop. Names are those of the Prometheus client libraries, so
 * that common dashboards know them. Returns what stops the measuring.
 */
export function measureProcess(meter: Meter): () => void {
  const delay = measureLoopDelay();
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
    const { mean, p99, max } = delay.read();
    result.observe(lagMean, mean);
    result.observe(lagP99, p99);
    result.observe(lagMax, max);
    result.observe(busy, performance.eventLoopUtilization(now, before).utilization);
    before = now;
  };
  meter.addBatchObservableCallback(read, all);
  return () => {
    delay.stop();
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
