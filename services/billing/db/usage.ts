import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { coverOf, endOfMonth, within } from "../domain/usage-cover.ts";
import type { BillingSchema } from "./schema.ts";
import type { Source } from "./usage-cells.ts";
import { groupings } from "./usage-groupings.ts";
import type { UsagePage, UsageQuery, UsageSums } from "./usage-query.ts";
import { rankNames } from "./usage-ranking.ts";
import { readDays, readNames } from "./usage-sums.ts";

/** The smallest time that the table of sums may lag behind the ledger by, beside its own account of it. */
const marginMs = 60_000;

/**
 * Sums what requests that ended in [fromMs, toMs) were charged and consumed, of an account or of all. By the time of the
 * ending, as budgets count: a day's sum never changes after the day. Exact: sums that are kept for whole spans, from the
 * ledger the parts of hours at both ends, and the entries that are not in the sums yet. In a snapshot, for it takes several statements.
 *
 * @param page which names; by day there are none, and all days are in the answer.
 */
export async function sumUsage(db: Queryable<BillingSchema>, asked: UsageQuery, page: UsagePage): Promise<UsageSums> {
  const query = asked.by === "day" ? { ...asked, step: "day" as const } : asked;
  const span = { fromMs: query.fromMs, toMs: await endOf(db, query) };
  const from = await tailFrom(db, query);
  const found = await readPage(db, { query, span, from }, page);
  // A clock that stepped back hides new entries behind old ones: then all entries are looked through.
  return found ?? (await readPage(db, { query, span, from: beginning }, page)) ?? { rows: [], rest: undefined };
}

/** A question, and where its answer is looked for. */
interface Sought {
  readonly query: UsageQuery;
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly from: Date;
}

async function readPage(
  db: Queryable<BillingSchema>,
  { query, span, from }: Sought,
  page: UsagePage,
): Promise<UsageSums | undefined> {
  const { spans, bounded } = groupings[query.by];
  const sourceOf = (step: UsageQuery["step"]): Source => ({
    query,
    cover: coverOf(span.fromMs, span.toMs, within(spans, step)),
    from,
  });
  const { ranked, rest } =
    query.by === "day"
      ? { ranked: undefined, rest: undefined }
      : await rankNames(db, sourceOf(bounded ? query.step : undefined), page);
  const source = sourceOf(query.step);
  const rows = await (ranked === undefined ? readDays(db, source) : readNames(db, source, ranked));
  return rows === undefined ? undefined : { rows, rest };
}

/**
 * Where a sum ends. Where no entry is after its time, at the end of that month: the sums of the running day and month are then
 * those up to now, and of 10,000 users a month's are 10,000, where the days of it are 150,000.
 */
async function endOf(db: Queryable<BillingSchema>, { accountId, toMs }: UsageQuery): Promise<number> {
  const whose = accountId === 0n ? sql`` : sql`l.account_id = ${accountId} and`;
  const { rows } = await sql<{ later: boolean }>`
    select exists (select from billing.ledger l where ${whose} l.created_at >= ${new Date(toMs)}) as later`.execute(
    db.kysely,
  );
  return rows[0]?.later === false ? endOfMonth(toMs) : toMs;
}

/** Bounds the statements of a transaction. */
export async function limitStatements(trx: Queryable<BillingSchema>, timeoutMs: number): Promise<void> {
  await sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`.execute(trx.kysely);
}

/** Before every entry. */
const beginning = new Date(0);

/**
 * From which time on entries are looked for that are not in the sums yet. By a statement of its own, because of a time that
 * it does not know PostgreSQL expects a third of all entries, and then reads them all.
 */
async function tailFrom(db: Queryable<BillingSchema>, { accountId, by }: UsageQuery): Promise<Date> {
  const { job, marks } = groupings[by];
  const known =
    accountId === 0n
      ? sql`select j.position as at from billing.job j where j.name = ${job}`
      : sql`select f.folded_at as at from ${marks} f where f.account_id = ${accountId}`;
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from at) * 1000)::double precision as ms from (${known}) k
    where at > '1970-01-02'`.execute(db.kysely);
  return new Date(Math.max(0, Math.floor((rows[0]?.ms ?? 0) - marginMs)));
}
