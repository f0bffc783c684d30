import { createDatabase, type Database, hasWholeIndexes } from "../../shared/db/index.ts";
import type { Log } from "../../shared/log.ts";
import { createPacing, type Pacing } from "../../shared/pace.ts";
import { type HistorySpans, historySpans, type Metrics, type Tracing } from "../../shared/telemetry/index.ts";
import { createTurns, type Turns } from "../../shared/turns.ts";
import type { HistoryConfig } from "./config.ts";
import { type CustomResponses, createCustomResponses } from "./custom-response/custom-responses.ts";
import type { PartitionedTable } from "./db/partitions.ts";
import { databaseNowMs } from "./db/retention.ts";
import { createTerms, type Terms } from "./db/terms.ts";

/** What history is given by its process. */
export interface HistoryDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** What work in bulk goes by, shared with the gateway of the same process. Default: its own. */
  readonly pacing?: Pacing;
  /** Unix milliseconds. Default: Date.now. */
  readonly nowMs?: () => number;
  /** PostgreSQL's clock, Unix milliseconds: what is deleted by age is decided by it. Default: it is asked. */
  readonly databaseNowMs?: () => Promise<number>;
}

/** What the methods of history work with. */
export interface HistoryContext {
  /** For writing. */
  readonly db: Database<unknown>;
  /** For queries, on connections of their own: however many pages are asked for, records go on being stored. */
  readonly reader: Database<unknown>;
  /** For queries whose best plan depends on the values: see `planning`. */
  readonly planningReader: Database<unknown>;
  /** For sums over long times, on connections of their own: a page does not wait for them. */
  readonly summingReader: Database<unknown>;
  /** Whose turn it is: pages, single records, sums over time and deletions, each kind for itself. */
  readonly turns: Readonly<Record<"pages" | "points" | "sums" | "deletes", Turns>>;
  readonly pacing: Pacing;
  readonly terms: Terms;
  /** Whether records are found by their terms: the indexes of a folder of before are made in the background. */
  readonly byTerms: () => Promise<boolean>;
  readonly tables: readonly PartitionedTable[];
  readonly customResponses: CustomResponses;
  readonly maxResponseBytes: number;
  /** Most bytes of payloads in one answer, safely below the limit of a message. */
  readonly payloadBudgetBytes: number;
  /** Length of the newest window that a query looks into first. */
  readonly firstWindowMs: number;
  /** Entries of an index that one statement passes over on the way to a page. */
  readonly entriesAtOnce: number;
  /** After this time a page of sums over time ends with the step that it is at. */
  readonly seriesPageMs: number;
  /** Most points of a page of sums over time by end user or tag. */
  readonly seriesPagePoints: number;
  /** How long after a request its first record may come at the latest. */
  readonly lateRecordMs: number;
  readonly spans: HistorySpans;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly databaseNowMs: () => Promise<number>;
}

/** What the methods work with that read pages of records. */
export type PageContext = Pick<
  HistoryContext,
  | "db"
  | "reader"
  | "planningReader"
  | "turns"
  | "pacing"
  | "terms"
  | "byTerms"
  | "payloadBudgetBytes"
  | "firstWindowMs"
  | "entriesAtOnce"
  | "log"
  | "nowMs"
>;

const customResponseBytes = 64 * 1024;
const payloadBudgetBytes = 12 * 1024 * 1024;
/** Some 3 ms of the server: page 100 of 1,000 in one go kept a core from others for 20. */
const entriesAtOnce = 20_000;
const seriesPageMs = 35;
/** Half of the end users that are told apart in a day, with those without a name and the others. */
const seriesPagePoints = 2_501;
const lateRecordMs = 3_600_000;
/** Records are written in milliseconds. A silent connection is given up 5 s later, and the records go over another one. */
const writeTimeoutMs = 10_000;
/** The router waits 10 s for a page, 60 s for sums. */
const pageTimeoutMs = 10_000;
const sumTimeoutMs = 55_000;

/**
 * A walk follows an index in its order as far as the page goes. PostgreSQL does not know how many records a quarter of
 * them has (it takes a condition on bits for 0.5 %), and read and sorted all 1,500 of a day for 19 of them.
 */
const inOrder = { enable_sort: "off" } as const;

/** How PostgreSQL plans queries, as settings of a session. */
export const planning = {
  /**
   * Planning anew for the values at hand takes 1 ms of the server for a page and ten times that for a wide range; a
   * general plan closes needless partitions when it starts: 0.2 ms, and 0.3 where there are 450 of each table.
   */
  general: { plan_cache_mode: "force_generic_plan", ...inOrder },
  /**
   * The planner expects next to nothing of a range that it does not know, so one user's records look as few as those of the
   * whole account: a general plan may walk all of these (29,000 for 3 were seen), or read whole partitions.
   */
  byValues: { plan_cache_mode: "force_custom_plan", ...inOrder },
  /**
   * Sums are read in any order. Each by one process: with two workers more, sums took both cores and chat beside them 20 ms
   * at p99 in place of 9, and were as slow.
   */
  sums: { plan_cache_mode: "force_custom_plan", max_parallel_workers_per_gather: "0" },
} as const;

/** Asks until the answer is yes, which holds from then on. */
function onceTrue(ask: () => Promise<boolean>): () => Promise<boolean> {
  let known = false;
  return async () => {
    known ||= await ask();
    return known;
  };
}

/** How many connections are for what. */
function sharesOf({ poolSize }: Pick<HistoryConfig, "poolSize">) {
  const readers = Math.max(1, Math.floor(poolSize / 4));
  const summing = Math.max(2, Math.floor(readers / 2));
  return { readers, summing, writers: Math.max(2, poolSize - 2 * readers - summing) };
}

/** What pages are read with; `connections`: of `db`. */
export function createPageContext(
  config: Pick<HistoryConfig, "databaseUrl" | "poolSize" | "partitionMs">,
  { log, nowMs = Date.now, pacing = createPacing() }: Pick<HistoryDeps, "log" | "nowMs" | "pacing">,
  connections: number,
): PageContext {
  const shares = sharesOf(config);
  const db = createDatabase<unknown>({
    ...{ ...placeOf(config, log), applicationName: "history", maxConnections: connections },
    ...{ statementTimeoutMs: writeTimeoutMs, lockTimeoutMs: writeTimeoutMs * 0.8 },
  });
  const queries = queriesOf(config, log);
  return {
    db,
    reader: createDatabase<unknown>({ ...queries, settings: planning.general }),
    planningReader: createDatabase<unknown>({ ...queries, settings: planning.byValues }),
    turns: turnsFor(shares),
    pacing,
    terms: createTerms(db),
    byTerms: onceTrue(() => hasWholeIndexes(db, "history.record")),
    payloadBudgetBytes,
    firstWindowMs: config.partitionMs,
    entriesAtOnce,
    log,
    nowMs,
  };
}

/** Opens what upkeep goes by: summing up a large hour takes longer than a record may. One connection holds its lock. */
export function openUpkeep(config: Pick<HistoryConfig, "databaseUrl">, log: Log): Database<unknown> {
  return createDatabase<unknown>({ ...placeOf(config, log), applicationName: "history upkeep", maxConnections: 2 });
}

function placeOf({ databaseUrl }: Pick<HistoryConfig, "databaseUrl">, log: Log) {
  return { url: databaseUrl, schema: "history", log };
}

/** No longer than who asks waits for a page. */
function queriesOf(config: Pick<HistoryConfig, "databaseUrl" | "poolSize">, log: Log) {
  const { readers } = sharesOf(config);
  return {
    ...placeOf(config, log),
    ...{ applicationName: "history queries", maxConnections: readers, statementTimeoutMs: pageTimeoutMs },
  };
}

/** Builds the context; `overrides` are for tests. */
export function createContext(
  config: HistoryConfig,
  deps: HistoryDeps,
  overrides: Partial<HistoryContext> = {},
): HistoryContext {
  const { log, tracing, metrics } = deps;
  const { summing, writers } = sharesOf(config);
  const pages = createPageContext(config, deps, writers);
  const { db } = pages;
  const summingReader = createDatabase<unknown>({
    ...{ ...queriesOf(config, log), maxConnections: summing, statementTimeoutMs: sumTimeoutMs },
    settings: planning.sums,
  });
  return {
    ...pages,
    summingReader,
    tables: [
      { table: "history.record", lengthMs: config.partitionMs },
      { table: "history.payload", lengthMs: config.payloadPartitionMs },
      { table: "history.label", lengthMs: config.partitionMs },
      { table: "history.request", lengthMs: config.payloadPartitionMs },
    ],
    customResponses: createCustomResponses({
      log,
      timeoutMs: config.customResponseTimeoutMs,
      maxOutputBytes: customResponseBytes,
    }),
    maxResponseBytes: config.maxResponseBytes,
    seriesPageMs,
    seriesPagePoints,
    lateRecordMs,
    spans: historySpans(tracing),
    metrics,
    databaseNowMs: deps.databaseNowMs ?? (() => databaseNowMs(db)),
    ...overrides,
  };
}

/**
 * One account never has all connections of a kind: what it reads slowly does not hold up what another reads quickly. Where
 * several accounts wait their turns come round in a circle.
 */
function turnsFor({ readers, summing }: { readers: number; summing: number }): HistoryContext["turns"] {
  const line = {
    waiting: 2_000,
    waitingEach: 200,
    waitMs: 3_000,
    tooMany:
      "The account reads or deletes more of its history at once than it has a share of; send fewer calls at a time.",
    tooBusy: "History has more to do than it can at the moment; try again.",
  };
  const share = Math.max(1, Math.floor(readers / 2));
  return {
    pages: createTurns({ ...line, atOnce: 2 * readers, atOnceEach: share }),
    points: createTurns({ ...line, atOnce: 4 * readers, atOnceEach: 2 * share }),
    sums: createTurns({ ...line, atOnce: summing, atOnceEach: Math.max(1, Math.floor(summing / 2)), waitMs: 20_000 }),
    deletes: createTurns({ ...line, atOnce: 2, atOnceEach: 1, waitMs: 8_000 }),
  };
}
