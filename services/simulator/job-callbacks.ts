import type { SimulatedJob } from "./jobs.ts";

/** Calls what a job's request named as its callback_url. Whether anybody hears it changes nothing. */
export interface JobCallbacks {
  /** A job has begun whose request named this address. */
  begun(job: SimulatedJob, url: string): void;
  /** Calls nobody any more. */
  close(): void;
}

/** How long a call may take. */
const timeoutMs = 2_000;
const settleMs = 5;

/** Creates them for one simulator. */
export function createJobCallbacks(): JobCallbacks {
  const timers = new Set<NodeJS.Timeout>();

  function later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer.unref());
  }

  function call(url: string, { id }: SimulatedJob, status: string): void {
    const body = JSON.stringify({ id, status });
    const headers = { "content-type": "application/json", "x-throughline-simulator": "1" };
    fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
  }

  return {
    begun(job, url) {
      if (!URL.canParse(url)) return;
      const { jobCallback, jobQueueMs, jobRunMs } = job.behaviour;
      const times = jobCallback === "twice" ? 2 : 1;
      if (jobCallback === "twice") for (let n = 0; n < times; n++) call(url, job, "queued");
      if (jobCallback === "forged") for (const address of [url, ...forgedOf(url)]) call(address, job, "completed");
      later(jobQueueMs + jobRunMs + settleMs, () => {
        for (let n = 0; n < times; n++) call(url, job, "completed");
      });
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Addresses that look like a true one. */
function forgedOf(url: string): readonly string[] {
  const last = url.at(-1) === "A" ? "B" : "A";
  return [url.slice(0, -1) + last, url.replace(/[^/]+$/, "A".repeat(32)), url.replace(/[^/]+$/, "nobody")];
}
