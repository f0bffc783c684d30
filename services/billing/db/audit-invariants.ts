import type { Portion } from "../domain/audit-portions.ts";
import { wrongAdministration } from "./audit-administration.ts";
import { unknownListPrices, wrongCharges, wrongListPrices } from "./audit-cost.ts";
import type { LedgerCount } from "./audit-count.ts";
import { unlikeWholes, wrongLabelDays, wrongLabelKinds, wrongLabelMonths } from "./audit-labels.ts";
import type { PortionUnit } from "./audit-portions.ts";
import { wrongDays, wrongMarks, wrongMonths, wrongTogether } from "./audit-usage.ts";

/**
 * Which portions: a statement has a price for its plan, some milliseconds for each, so those that put little aside for an entry have
 * larger ones.
 */
export const portionKinds = {
  days: { ends: "day", times: 1 },
  manyDays: { ends: "day", times: 5 },
  months: { ends: "month", times: 1 },
} as const satisfies Readonly<Record<string, { readonly ends: PortionUnit; readonly times: number }>>;
export type PortionKind = keyof typeof portionKinds;

/** Selects a line of text for each row of a portion that breaks an invariant. */
export interface PortionCheck {
  readonly portions: PortionKind;
  readonly select: (portion: Portion) => string;
  /** False: the accounts of this portion have nothing that it could select. */
  readonly concerns?: (portion: Portion) => boolean;
  /** Selects nothing where `select` cannot select anything either, and takes less time. Undefined: there is no such statement here. */
  readonly quick?: (portion: Portion) => string | undefined;
}

/**
 * An invariant: `counted` counts what is looked at, `offending` select a line of text for each row that breaks it. Each statement has a
 * snapshot of its own, and so has to hold by itself: a snapshot over all of them would keep each version of each account that requests
 * make meanwhile, and whoever looks for an account then steps over all of these.
 */
export interface Invariant {
  readonly name: string;
  readonly counted: LedgerCount | { readonly select: string };
  readonly offending: readonly (string | PortionCheck)[];
}

/** Reservations this long past their life are no longer merely waiting for the sweeper. */
const sweepGraceMs = 30_000;

const everyDay = (select: PortionCheck["select"], quick?: PortionCheck["quick"]): PortionCheck => ({
  portions: "days",
  select,
  ...(quick === undefined ? {} : { quick }),
});
const someDays = (select: PortionCheck["select"]): PortionCheck => ({ portions: "manyDays", select });
const everyMonth = (select: PortionCheck["select"]): PortionCheck => ({ portions: "months", select });

export const invariants: readonly Invariant[] = [
  {
    name: "every balance is the sum of its ledger",
    counted: { select: "select count(*) from billing.account" },
    offending: [
      `select case when a.account_id is null then format('account %s: in the ledger but not among the accounts', account_id)
          else format('account %s: balance %s, ledger %s', account_id, a.balance, coalesce(l.amount, 0)) end
      from billing.account a
      full join (select account_id, sum(amount) as amount from billing.ledger group by account_id) l using (account_id)
      where a.account_id is null or a.balance <> coalesce(l.amount, 0)`,
    ],
  },
  {
    name: "every ledger is numbered without a gap and each balance follows from the one before",
    counted: "entries",
    offending: [
      `select format('account %s entry %s kind %s: number %s, should be %s; balance after it %s, should be %s',
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
    ],
  },
  {
    name: "every account holds what its open reservations hold",
    counted: { select: "select count(*) from billing.reservation" },
    offending: [
      `select format('account %s: reserved %s in %s requests and %s jobs, open reservations %s in %s and %s', a.account_id, a.reserved,
        a.open_count, a.open_jobs, coalesce(r.amount, 0), coalesce(r.items, 0), coalesce(r.jobs, 0))
      from billing.account a
      full join (select account_id, sum(amount) as amount, sum(slots) as items, sum(jobs) as jobs from billing.reservation
                 group by account_id) r using (account_id)
      where a.account_id is null or a.reserved <> coalesce(r.amount, 0) or a.open_count <> coalesce(r.items, 0)
        or a.open_jobs <> coalesce(r.jobs, 0)`,
    ],
  },
  {
    name: "every key with a budget or a concurrency limit counts its open reservations and its charges",
    counted: { select: "select count(*) from billing.key where tracked" },
    offending: [
      `with bounds as (select date_trunc('day', now(), 'UTC') as day_start, date_trunc('month', now(), 'UTC') as month_start),
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
    ],
  },
  {
    name: "every request ended at most once (a late charge may follow the sweeper's release)",
    counted: "endings",
    offending: [
      `select format('request %s: charged (%s) and released (%s by %s)', c.entry_id, c.reason, r.reason,
        coalesce(r.actor, 'gateway'))
      from billing.ledger c join billing.ledger r on r.entry_id = c.entry_id and r.kind = 2
      where c.kind = 1 and (c.reason <> 'late' or r.actor is distinct from 'sweeper' or r.account_id <> c.account_id)
      union all
      select format('request %s: ended, and its reservation is open', r.request_id)
      from billing.reservation r
      where exists (select from billing.ledger l where l.entry_id = r.request_id and l.kind in (1, 2))`,
    ],
  },
  {
    name: "no reservation is open past its life",
    counted: { select: "select count(*) from billing.reservation" },
    offending: [
      `select format('request %s of account %s: life ended at %s', request_id, account_id, expires_at)
      from billing.reservation
      where expires_at < clock_timestamp() - ${sweepGraceMs} * interval '1 millisecond' order by expires_at`,
    ],
  },
  {
    name: "every charge is a request's, by a key of its account",
    counted: "charges",
    offending: [
      `select format('request %s of account %s: key %s', l.entry_id, l.account_id, coalesce(l.key_id::text, 'none'))
      from billing.ledger l left join billing.key k on k.key_id = l.key_id
      where l.kind = 1 and k.account_id is distinct from l.account_id`,
    ],
  },
  {
    name: "every charge is its usage at its prices, rounded up once, over all units, rates and conditions",
    counted: "charges",
    offending: wrongCharges.map(someDays),
  },
  {
    name: "every list price is the usage at the prices of the vendor's list, or what the vendor said that it cost",
    counted: "listPrices",
    offending: [
      ...wrongListPrices.map(someDays),
      { ...someDays(unknownListPrices), concerns: ({ occurring }) => occurring.has("list_price") },
    ],
  },
  {
    name: "every credit with a reference was entered once",
    counted: "references",
    offending: [
      `select format('account %s reference %s: %s entries', account_id, quote_literal(reference), count(*))
      from billing.ledger where reference is not null group by account_id, reference having count(*) > 1`,
    ],
  },
  {
    name: "the sums of usage are those of the ledger",
    counted: {
      select: "select (select count(*) from billing.usage_sum) + (select count(*) from billing.label_sum) as count",
    },
    offending: [
      everyDay(wrongDays),
      everyMonth(wrongMonths),
      ...wrongTogether,
      everyDay((portion) => wrongLabelDays("user", portion)),
      everyMonth((portion) => wrongLabelMonths("user", portion)),
      everyDay(
        (portion) => wrongLabelDays("tag", portion),
        (portion) => (portion.occurring.has("tags") ? undefined : unlikeWholes(portion)),
      ),
      everyMonth((portion) => wrongLabelMonths("tag", portion)),
      wrongLabelKinds,
      ...wrongMarks,
    ],
  },
  {
    name: "the trail of administration is numbered without a gap, and each event is chained to the one before",
    counted: { select: "select count(*) from billing.administration" },
    offending: wrongAdministration,
  },
];
