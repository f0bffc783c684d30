import type { Log } from "../../../shared/log.ts";
import { readState, type StoredState } from "../db/configuration.ts";
import { poll, readHealth } from "../db/health.ts";
import type { RoutingDatabase } from "../db/open.ts";
import { buildSnapshot } from "../domain/build-snapshot.ts";
import { dayOf } from "../domain/ends.ts";
import { type HealthView, noHealth, type ReportedLine, summarise } from "../domain/health.ts";
import { type PriceTable, pricesNotAsWritten } from "../domain/price-table.ts";
import type { Snapshot } from "../domain/snapshot.ts";

/** What resolving reads, as of now. */
export interface Current {
  readonly snapshot: Snapshot;
  /** Version at which its configuration was loaded; 0: none was. */
  readonly configVersion: bigint;
  readonly health: HealthView;
  /** When each model was first configured, by name. */
  readonly firstSeen: StoredState["firstSeen"];
}

/** Options of `createFollower`. */
export interface FollowOptions {
  readonly db: RoutingDatabase;
  /** Time between two looks, milliseconds. */
  readonly everyMs: number;
  /** Prices of models that the configuration does not price. */
  readonly prices: PriceTable;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Called after each new snapshot. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
}

/** Keeps a snapshot in memory that follows the database. */
export interface Follower {
  /** The newest snapshot. Throws before the first `refresh`. */
  current(): Current;
  /** Resolves when the snapshot is at least as new as the database was at the call. */
  refresh(): Promise<void>;
  /** The same for the health of channels. */
  refreshHealth(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Follows the state in the database by looking for a newer version at intervals; whoever hears a notification calls
 * `refresh`. While the database is away the last snapshot stays: routing goes on with what it knows.
 */
export function createFollower({ db, everyMs, prices, nowMs, log, onSnapshot }: FollowOptions): Follower {
  let current: Current | undefined;
  let lines: readonly ReportedLine[] = [];
  let reportedAtMs = 0n;
  let away = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const refresh = coalesce(async () => {
    const { version, configVersion, configuration, runtimeChannels, firstSeen, listings } = await readState(db);
    if (current?.snapshot.version === version) return;
    const snapshot = buildSnapshot(configuration, runtimeChannels, version, {
      table: prices,
      listings,
      today: dayOf(nowMs()),
      warn: (text) => log.warn({ warnings: [text] }, pricesNotAsWritten),
    });
    current = { snapshot, configVersion, health: current?.health ?? noHealth, firstSeen };
    const { channels, models } = snapshot;
    log.info({ config_version: version.toString(), channels: channels.length, models: models.size }, "routes changed");
    for (const warning of snapshot.warnings) log.warn({ config_version: version.toString() }, warning);
    onSnapshot(snapshot);
  });

  const refreshHealth = coalesce(async () => {
    lines = await readHealth(db);
    showHealth();
  });

  /** What was said grows old: the sum is made anew at every look. */
  function showHealth(): void {
    if (current !== undefined) current = { ...current, health: summarise(lines, nowMs()) };
  }

  async function look(): Promise<void> {
    try {
      const newest = await poll(db);
      if (newest.version !== current?.snapshot.version) await refresh();
      if (newest.reportedAtMs !== reportedAtMs) await refreshHealth();
      else if (lines.length > 0) showHealth();
      reportedAtMs = newest.reportedAtMs;
      if (away) log.info("the database is back");
      away = false;
    } catch (error) {
      if (!away) log.error({ err: error }, "the database cannot be read; routes stay as they are");
      away = true;
    }
    if (!stopped) timer = setTimeout(tick, everyMs);
  }
  let looking: Promise<void> = Promise.resolve();
  function tick(): void {
    looking = look();
  }
  timer = setTimeout(tick, everyMs);

  return {
    current() {
      if (current === undefined) throw new Error("no snapshot has been read yet");
      return current;
    },
    refresh,
    refreshHealth,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** Runs at most one at a time. A call during a run waits for one more run, which all such calls share. */
function coalesce(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
