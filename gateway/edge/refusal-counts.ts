import type { Log } from "../../shared/log.ts";
import type { EdgeRefusal, Metrics } from "../../shared/telemetry/index.ts";

/** How long a limit that goes on refusing is silent after it was logged. */
const logEveryMs = 60_000;

/** Counts what the edge turns away by a limit of its own, and says so once a minute for each limit. */
export interface RefusalCounts {
  /** One was turned away. `limit`: what a person may change, for the log. */
  count(reason: EdgeRefusal, limit: string): void;
}

/** Creates the counts of a gateway. */
export function createRefusalCounts(log: Log, metrics: Metrics): RefusalCounts {
  const told = new Map<EdgeRefusal, { atMs: number; since: number }>();
  return {
    count(reason, limit) {
      metrics.edgeRefused(reason);
      const nowMs = performance.now();
      const last = told.get(reason) ?? { atMs: Number.NEGATIVE_INFINITY, since: 0 };
      last.since += 1;
      if (nowMs - last.atMs >= logEveryMs) {
        log.warn({ reason, limit, refused: last.since }, "the edge refuses what is beyond its limit");
        last.atMs = nowMs;
        last.since = 0;
      }
      told.set(reason, last);
    },
  };
}
