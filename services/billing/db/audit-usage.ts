import type { Portion } from "../domain/audit-portions.ts";
import { differs, entryColumns, monthOf, summedColumns, sums } from "./audit-columns.ts";
import { entriesOf, sumsOf } from "./audit-portions.ts";

/** What sums are kept of, by `detail`: 0 a whole, 1 by key, 2 by tariff. Those are kept over all accounts together, too. */
const details = [0, 1, 2];
const together = [0, 2];

type Occurring = Portion["occurring"];
const everyColumn: Occurring = new Set(summedColumns);

const line = (right: string, present: string, occurring: Occurring): string => `
  select format('account %s detail %s span %s hour %s id %s: %s requests and %s charged, should be %s and %s',
    account_id, detail, span, starts, id, s.requests, s.charged, r.requests, r.charged)
  from (${right}) r full join (${present}) s using (account_id, detail, span, starts, id)
  where ${differs("r", "s", occurring)}`;

/**
 * Finds rows of `usage_sum` by the hour and the day, within a portion, that are not the sums of the ledger or are missing. They are made anew
 * from every entry that is said to be in them, which is read once: first the sums of what all of them tell apart. (Each
 * entry put into all of its sums took 220 s at 2.6 million entries, a grouping of all entries for each detail 5 s.)
 */
export const wrongDays = (portion: Portion): string => `
  with base as materialized (
    select account_id, hour, key_id, tariff_id, ${sums("e", portion.occurring)} from (
      select l.account_id, floor(date_part('epoch', l.created_at) / 3600)::integer as hour, coalesce(l.key_id, 0) as key_id,
        coalesce(l.tariff_id, 0) as tariff_id, ${entryColumns(portion.occurring)}
      from billing.ledger l join billing.usage_fold f on f.account_id = l.account_id and l.seq <= f.folded_seq
      where l.kind in (1, 2) and ${entriesOf(portion)}) e
    group by 1, 2, 3, 4
  )
  ${line(
    `select b.account_id, p.detail, p.span, p.starts, p.id, ${sums("b", portion.occurring)}
     from base b cross join lateral (values (0, 1, b.hour, 0), (0, 2, b.hour / 24 * 24, 0), (1, 2, b.hour / 24 * 24, b.key_id),
       (2, 1, b.hour, b.tariff_id), (2, 2, b.hour / 24 * 24, b.tariff_id)) p (detail, span, starts, id)
     group by 1, 2, 3, 4, 5`,
    `select * from billing.usage_sum u
     where u.account_id <> 0 and u.detail in (${details.join(", ")}) and u.span in (1, 2) and ${sumsOf("u", portion)}`,
    portion.occurring,
  )}`;

/** Finds rows of `usage_sum` by the month, within a portion of whole months, that are not the sums of its days. `wrongDays` looks at the days. */
export const wrongMonths = (portion: Portion): string =>
  line(
    `select u.account_id, u.detail, 3 as span, ${monthOf("u.starts")} as starts, u.id, ${sums("u", portion.occurring)}
     from billing.usage_sum u where u.account_id <> 0 and u.detail in (1, 2) and u.span = 2 and ${sumsOf("u", portion)}
     group by 1, 2, 4, 5`,
    `select * from billing.usage_sum u where u.account_id <> 0 and u.span not in (1, 2) and ${sumsOf("u", portion)}`,
    portion.occurring,
  );

/** Rows of `usage_sum` of all accounts together that are not the sums of the accounts', and those that are no such sums as are kept. */
export const wrongTogether: readonly string[] = [
  line(
    `select 0 as account_id, u.detail, u.span, u.starts, u.id, ${sums("u", everyColumn)}
     from billing.usage_sum u where u.account_id <> 0 and u.detail in (${together.join(", ")}) group by 2, 3, 4, 5`,
    "select * from billing.usage_sum u where u.account_id = 0",
    everyColumn,
  ),
  `select format('account %s detail %s span %s: no such sums are kept', account_id, detail, span)
   from billing.usage_sum where (detail, span) not in ((0, 1), (0, 2), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3))`,
];

/** Marks that say of entries which an account's ledger has not that they are in the sums. */
const beyondLedger = (marks: string): string => `
   select format('account %s: entry %s is said to be in the sums, its ledger has %s', f.account_id, f.folded_seq,
     coalesce(a.ledger_seq, 0))
   from ${marks} f left join billing.account a on a.account_id = f.account_id
   where f.folded_seq > coalesce(a.ledger_seq, 0)`;

export const wrongMarks: readonly string[] = ["billing.usage_fold", "billing.label_fold"].map(beyondLedger);
