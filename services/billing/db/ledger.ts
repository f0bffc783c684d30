import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { priceColumns } from "./columns.ts";
import type { BillingSchema } from "./schema.ts";

/** An entry with its tariff and its time to the microsecond. */
export type LedgerEntryRow = Awaited<ReturnType<typeof listEntries>>[number];

/** Which entries, and from where on. */
export interface LedgerPage {
  /** 0n: of all accounts. */
  readonly accountId: bigint;
  /** 0n: any. */
  readonly entryId: bigint;
  /** Only entries before this one. */
  readonly before: LedgerPosition | undefined;
  readonly limit: number;
}

/** Where an entry stands: in its account's sequence, or among all. */
export type LedgerPosition =
  | { readonly order: "account"; readonly createdUs: bigint; readonly seq: bigint }
  | { readonly order: "all"; readonly entryId: bigint; readonly kind: number };

const epoch = sql`timestamptz '1970-01-01 00:00:00+00'`;

/** Columns of an entry and its tariff. */
export function selectEntries(db: Queryable<BillingSchema>) {
  return db.kysely
    .selectFrom("ledger as l")
    .leftJoin("tariff as t", "t.tariff_id", "l.tariff_id")
    .selectAll("l")
    .select((eb) => [
      sql<bigint>`(extract(epoch from l.created_at) * 1000000)::bigint`.as("created_us"),
      eb.ref("t.module").as("module"),
      eb.ref("t.model").as("model"),
      eb.ref("t.dialect").as("dialect"),
      eb.ref("t.group_name").as("group_name"),
      eb.ref("t.channel").as("channel"),
      eb.ref("t.platform").as("platform"),
      eb.ref("t.strategy").as("strategy"),
      eb.ref("t.price_source").as("price_source"),
      ...priceColumns.map((column) => eb.ref(`t.${column}`).as(column)),
      eb.ref("t.rates").as("rates"),
      eb.ref("t.group_ratio_ppm").as("group_ratio_ppm"),
    ]);
}

/** All entries of some IDs, the highest first: along the primary key, whoever's they are. @param accountId 0n: of all accounts. */
export function entriesOfIds(db: Queryable<BillingSchema>, accountId: bigint, entryIds: readonly bigint[]) {
  const query = selectEntries(db).where("l.entry_id", "=", sql<bigint>`any (${[...entryIds]}::bigint[])`);
  const own = accountId === 0n ? query : query.where("l.account_id", "=", accountId);
  return own.orderBy("l.entry_id", "desc").orderBy("l.kind", "desc").execute();
}

/**
 * A page of entries, newest first: an account's in the order in which they were entered, all accounts' in the order of
 * their IDs.
 */
export function listEntries(db: Queryable<BillingSchema>, { accountId, entryId, before, limit }: LedgerPage) {
  let query = selectEntries(db).limit(limit);
  if (entryId !== 0n) query = query.where("l.entry_id", "=", entryId);
  if (accountId !== 0n) query = query.where("l.account_id", "=", accountId);
  if (before?.order === "account") {
    const time = sql<Date>`${epoch} + ${before.createdUs}::bigint * interval '1 microsecond'`;
    query = query.where(sql<boolean>`(l.created_at, l.seq) < (${time}, ${before.seq}::bigint)`);
  } else if (before !== undefined) {
    query = query.where(sql<boolean>`(l.entry_id, l.kind) < (${before.entryId}::bigint, ${before.kind}::smallint)`);
  }
  return accountId !== 0n
    ? query.orderBy("l.created_at", "desc").orderBy("l.seq", "desc").execute()
    : query.orderBy("l.entry_id", "desc").orderBy("l.kind", "desc").execute();
}
