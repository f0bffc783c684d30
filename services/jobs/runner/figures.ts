import type { JobsContext } from "../context.ts";
import { type Figures, readFigures } from "../db/figures.ts";
import { type Loop, startLoop } from "./loop.ts";

/** How often they are read: a scrape finds what was read last. */
const everyMs = 10_000;

/** Reads how it stands with all jobs again and again, and shows it as metrics. Every process shows the same. */
export function startFigures({ db, log, metrics }: Pick<JobsContext, "db" | "log" | "metrics">): Pick<Loop, "stop"> {
  let last: Figures | undefined;
  const shown = (name: keyof Figures) => () => last?.[name] ?? 0;
  const ends = [
    metrics.observe("jobs_open", shown("pending"), { state: "pending" }),
    metrics.observe("jobs_open", shown("queueing"), { state: "queueing" }),
    metrics.observe("jobs_open", shown("processing"), { state: "processing" }),
    metrics.observe("jobs_stranded", shown("stranded")),
    metrics.observe("jobs_due_seconds", shown("pollsDueSeconds"), { work: "polls" }),
    metrics.observe("jobs_due_seconds", shown("callsDueSeconds"), { work: "calls" }),
    metrics.observe("webhooks_waiting", shown("webhooksWaiting")),
    metrics.observe("webhooks_due_seconds", shown("webhooksDueSeconds")),
  ];
  const loop = startLoop(log, async () => {
    last = await readFigures(db);
    return everyMs;
  });
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
}
