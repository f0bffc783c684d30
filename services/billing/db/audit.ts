import { CompiledQuery } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { wrongAdministration } from "./audit-administration.ts";
import { wrongCharges, wrongListPrices } from "./audit-cost.ts";
import { wrongUsageSums } from "./audit-usage.ts";
import type { BillingSchema } from "./schema.ts";

/** A checked invariant. */
export interface AuditCheck {
  /** The invariant in words. */
  readonly name: string;
  /** Rows looked at. */
  readonly checked: bigint;
  /** Offending rows, one line each, at most 100. */
  readonly offending: readonly string[];
}

/** An invariant: `counted` counts what is looked at, `offending` select a line of text for each row that breaks it. */
interface Invariant {
  readonly name: string;
  readonly counted: string;
  readonly offending: string | readonly string[];
}

/** Reservations this long past their life are no longer merely waiting for the sweeper. */
const sweepGraceMs = 30_000;

const invariants: readonly Invariant[] = [
  {
    name: "every balance is the sum of its ledger",
    counted: "select count(*) from billing.account",
    offending: `select format('account %s: balance %s, ledger %s', a.account_id, a.balance, coalesce(l.amount, 0))
      from billing.account a
      left join (select account_id, sum(amount) as amount from billing.ledger group by account_id) l using (account_id)
      where a.balance <> coalesce(l.amount, 0)
      union all
      select format('account %s: in the ledger but not among the accounts', l.account_id)
      from (select distinct account_id from billing.ledger) l
      where not exists (select from billing.account a where a.account_id = l.account_id)`,
  },
  {
    name: "every ledger is numbered without a gap and each balance follows from the one before",
    counted: "select count(*) from billing.ledger",
    offending: `select format('account %s entry %s kind %s: number %s, should be %s; balance after it %s, should be %s',
        account_id, entry_id, kind, seq, right_seq, balance_after, right_balance)
      from (select account_id, entry_id, kind, seq, balance_after,
              row_number() over w as right_seq, sum(amount) over w as right_balance
            from billing.ledger window w as (partition by account_id order by seq rows unbounded preceding)) l
      where seq <> right_seq or balance_after <> right_balance
      union all
      select format('account %s: %s entries, should be %s', a.account_id, coalesce(l.entries, 0), a.ledger_seq)
      from billing.account a
      left join (select account_id, count(*) as entries from billing.ledger group by account_id) l using (account_id)
      where a.ledger_seq <> coalesce(l.entries, 0)`,
  },
  {
    name: "every account holds what its open reservations hold",
    counted: "select count(*) from billing.reservation",
    offending: `select format('account %s: reserved %s in %s requests and %s jobs, open reservations %s in %s and %s', a.account_id, a.reserved,
        a.open_count, a.open_jobs, coalesce(r.amount, 0), coalesce(r.items, 0), coalesce(r.jobs, 0))
      from billing.account a
      full join (select account_id, sum(amount) as amount, sum(slots) as items, sum(jobs) as jobs from billing.reservation
                 group by account_id) r using (account_id)
      where a.account_id is null or a.reserved <> coalesce(r.amount, 0) or a.open_count <> coalesce(r.items, 0)
        or a.open_jobs <> coalesce(r.jobs, 0)`,
  },
  {
    name: "every key with a budget or a concurrency limit counts its open reservations and its charges",
    counted: "select count(*) from billing.key where tracked",
    offending: `with bounds as (select date_trunc('day', now(), 'UTC') as day_start, date_trunc('month', now(), 'UTC') as month_start),
      spent as (
        select l.key_id, -sum(l.amount) as month, -sum(l.amount) filter (where l.created_at >= b.day_start) as day
        from bounds b join billing.ledger l on l.created_at >= b.month_start and l.kind = 1
        where l.key_id in (select key_id from billing.key where tracked) group by l.key_id),
      held as (select key_id, sum(amount) as amount, sum(slots) as items, sum(jobs) as jobs
        from billing.reservation group by key_id)
      select format('key %s: reserved %s in %s and %s jobs, open reservations %s in %s and %s; spent %s today and %s this month, charges %s and %s',
        k.key_id, k.reserved, k.open_count, k.open_jobs, coalesce(h.amount, 0), coalesce(h.items, 0), coalesce(h.jobs, 0),
        case when k.day = billing.day_of(now()) then k.day_spent else 0 end,
        case when k.month = billing.month_of(now()) then k.month_spent else 0 end,
        coalesce(s.day, 0), coalesce(s.month, 0))
      from billing.key k left join held h using (key_id) left join spent s using (key_id)
      where k.tracked and (k.reserved <> coalesce(h.amount, 0) or k.open_count <> coalesce(h.items, 0)
        or k.open_jobs <> coalesce(h.jobs, 0)
        or case when k.day = billing.day_of(now()) then k.day_spent else 0 end <> coalesce(s.day, 0)
        or case when k.month = billing.month_of(now()) then k.month_spent else 0 end <> coalesce(s.month, 0))`,
  },
  {
    name: "every request ended at most once (a late charge may follow the sweeper's release)",
    counted: "select count(*) from billing.ledger where kind in (1, 2)",
    offending: `select format('request %s: charged (%s) and released (%s by %s)', c.entry_id, c.reason, r.reason,
        coalesce(r.actor, 'gateway'))
      from billing.ledger c join billing.ledger r on r.entry_id = c.entry_id and r.kind = 2
      where c.kind = 1 and (c.reason <> 'late' or r.actor is distinct from 'sweeper' or r.account_id <> c.account_id)
      union all
      select format('request %s: ended, and its reservation is open', r.request_id)
      from billing.reservation r
      where exists (select from billing.ledger l where l.entry_id = r.request_id and l.kind in (1, 2))`,
  },
  {
    name: "no reservation is open past its life",
    counted: "select count(*) from billing.reservation",
    offending: `select format('request %s of account %s: life ended at %s', request_id, account_id, expires_at)
      from billing.reservation
      where expires_at < clock_timestamp() - ${sweepGraceMs} * interval '1 millisecond' order by expires_at`,
  },
  {
    name: "every charge is a request's, by a key of its account",
    counted: "select count(*) from billing.ledger where kind = 1",
    offending: `select format('request %s of account %s: key %s', l.entry_id, l.account_id, coalesce(l.key_id::text, 'none'))
      from billing.ledger l left join billing.key k on k.key_id = l.key_id
      where l.kind = 1 and k.account_id is distinct from l.account_id`,
  },
  {
    name: "every charge is its usage at its prices, rounded up once, over all units, rates and conditions",
    counted: "select count(*) from billing.ledger where kind = 1",
    offending: wrongCharges,
  },
  {
    name: "every list price is the usage at the prices of the vendor's list, or what the vendor said that it cost",
    counted: "select count(*) from billing.ledger where list_price is not null",
    offending: wrongListPrices,
  },
  {
    name: "every credit with a reference was entered once",
    counted: "select count(*) from billing.ledger where reference is not null",
    offending: `select format('account %s reference %s: %s entries', account_id, quote_literal(reference), count(*))
      from billing.ledger where reference is not null group by account_id, reference having count(*) > 1`,
  },
  {
    name: "the sums of usage are those of the ledger",
    counted: "select (select count(*) from billing.usage_sum) + (select count(*) from billing.label_sum) as count",
    offending: wrongUsageSums,
  },
  {
    name: "the trail of administration is numbered without a gap, and each event is chained to the one before",
    counted: "select count(*) from billing.administration",
    offending: wrongAdministration,
  },
];

const maxOffending = 100;
/** What a sort or a table of sums may keep in memory: with PostgreSQL's usual few megabytes they are written to disk often. */
const workMemory = "64MB";

/** Checks every invariant. In one snapshot where `trx` is a repeatable read, so a live database is no obstacle. */
export async function auditLedger(trx: Queryable<BillingSchema>): Promise<AuditCheck[]> {
  const checks: AuditCheck[] = [];
  await trx.kysely.executeQuery(CompiledQuery.raw(`select set_config('work_mem', '${workMemory}', true)`));
  for (const { name, counted, offending } of invariants) {
    const counts = await trx.kysely.executeQuery<{ count: bigint }>(CompiledQuery.raw(counted));
    const found: string[] = [];
    for (const select of [offending].flat()) {
      const { rows } = await trx.kysely.executeQuery<{ line: string }>(
        CompiledQuery.raw(`select * from (${select}) o (line) limit ${maxOffending - found.length}`),
      );
      found.push(...rows.map(({ line }) => line));
    }
    checks.push({ name, checked: counts.rows[0]?.count ?? 0n, offending: found });
  }
  return checks;
}
