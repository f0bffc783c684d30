import { type Database, integerArray, type Queryable, statement } from "../../../shared/db/index.ts";
import { hourOfId, idsOfHour } from "../domain/hours.ts";
import { waitForBatches } from "./batches.ts";
import {
  type Dimensions,
  grainIdSql,
  grainKeySql,
  grainOutcomeSql,
  hourGrain,
  hourGrainsSql,
  inGrainSql,
} from "./usage-grains.ts";
import { addedSql, bucketSql, failedOutcomeSql, sumsSql } from "./usage-sql.ts";

/** Accounts with fewer requests in an hour are not summed up: reading their records is as quick. */
const minRequests = 1_000;
/** Sums of all accounts by key are kept where they are fewer than the records by this factor at least. */
const minRequestsPerKeyRow = 20;

const readState = statement("history.usage.state", "select summed_below from history.usage_state", {
  idempotent: true,
});
const close = statement(
  "history.usage.close",
  "update history.usage_state set closing_below = $1 where closing_below < $1",
  { idempotent: true },
);
const advance = statement(
  "history.usage.advance",
  "update history.usage_state set summed_below = $1 where summed_below < $1",
  { idempotent: true },
);
const nextRecord = statement(
  "history.usage.next",
  "select min(request_id) as id from history.record where request_id >= $1 and request_id < $2",
  { idempotent: true },
);
const findLate = statement(
  "history.usage.late",
  "select hour, batches from history.usage_late where hour < $1 order by hour",
  { idempotent: true },
);
/** Those with most changes first: reading them costs most. */
const findChanged = statement(
  "history.usage.changed",
  "select hour from history.usage_change where hour < $1 group by hour order by count(*) desc, hour",
  { idempotent: true },
);
/** Unless yet another batch has come: its records may not be in the sums. */
const forgetLate = statement("history.usage.forget", "delete from history.usage_late where hour = $1 and batches = $2");
const removeHour = statement("history.usage.remove", "delete from history.usage_hour where hour = $1");
const sumHour = statement(
  "history.usage.sum",
  // The changes that are visible belong to records that are counted: both were committed together.
  `with known as (
     delete from history.usage_change where hour = $1
   ), counted as materialized (
     select account_id, key_id, shape_id, ${failedOutcomeSql} as outcome_id, status, ${bucketSql} as bucket,
       count(*) as requests, ${sumsSql[0]} as input_tokens, ${sumsSql[1]} as output_tokens, ${sumsSql[2]} as billed_nano_usd
     from history.record where request_id >= $2 and request_id < $3 group by 1, 2, 3, 4, 5, 6
   ), large as (
     select account_id from counted group by 1 having sum(requests) >= ${minRequests}
   ), everybody as (
     select sum(requests) >= ${minRequestsPerKeyRow} * count(distinct (key_id, status)) as by_key from counted
   ), parts as (
     select counted.*, true as by_key from counted join large using (account_id)
     union all
     select 0, case when by_key then key_id else 0 end, shape_id, outcome_id, status, bucket, sum(requests),
       sum(input_tokens), sum(output_tokens), sum(billed_nano_usd), by_key
       from counted cross join everybody group by 1, 2, 3, 4, 5, 6, by_key
   ), grains as (
     select account_id, ${grainKeySql("key_id")} as key_id, grain, ${grainOutcomeSql("outcome_id")} as outcome_id, status,
       bucket, ${grainIdSql("shape_id")} as shape_id,
       sum(requests) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
       sum(billed_nano_usd) as billed_nano_usd
     from parts left join history.usage_shape shape on shape.id = shape_id cross join ${hourGrainsSql} as g(grain)
     where ${inGrainSql("status", "(by_key and (account_id = 0) = (g.grain & 3 = 0))")}
     group by 1, 2, 3, 4, 5, 6, 7
   )
   insert into history.usage_hour (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd, hour,
     shape_id, outcome_id, grain, status, by_outcome, buckets, counts)
   select account_id, key_id, sum(requests), ${addedSql}, $1,
     shape_id, outcome_id, grain, status, true, array_agg(bucket order by bucket), array_agg(requests::integer order by bucket)
   from grains group by account_id, key_id, shape_id, outcome_id, grain, status`,
);

/** How the hours are summed up. */
export interface SumUpOptions {
  /** Hours before this one have ended. */
  readonly closedHour: number;
  /** Most hours that are summed up for the first time. */
  readonly maxHours: number;
  /** Longest time for hours that are summed anew; the next call goes on with the others. */
  readonly maxMs: number;
  readonly stopping: () => boolean;
}

/**
 * Sums up the hours that have ended, and those anew that late records and deletions have changed. Ends early when
 * `stopping` says so.
 */
export async function sumUp(db: Database<unknown>, options: SumUpOptions): Promise<void> {
  const { closedHour, maxHours, stopping } = options;
  await sumAnew(db, options);
  const bound = idsOfHour(closedHour).from;
  const [state] = await db.query<{ summed_below: bigint }>(readState, []);
  let from = state?.summed_below ?? 0n;
  if (from >= bound) return;
  // First say that the hours are closed, then wait for who has not heard it, then count.
  await db.query(close, [bound]);
  await waitForBatches(db);
  for (let n = 0; n < maxHours && from < bound && !stopping(); n++) {
    const [next] = await db.query<{ id: bigint | null }>(nextRecord, [from, bound]);
    const hour = next?.id == null ? undefined : hourOfId(next.id);
    if (hour !== undefined) await sum(db, hour);
    from = hour === undefined ? bound : idsOfHour(hour).to;
    await db.query(advance, [from]);
  }
}

/** First the hours that are read from their records until then, then those whose changes are added to their sums. */
async function sumAnew(db: Database<unknown>, { closedHour, maxMs, stopping }: SumUpOptions): Promise<void> {
  const untilMs = performance.now() + maxMs;
  const enough = (): boolean => stopping() || performance.now() > untilMs;
  for (const { hour, batches } of await db.query<{ hour: number; batches: number }>(findLate, [closedHour])) {
    if (enough()) return;
    await sum(db, hour, (trx) => trx.query(forgetLate, [hour, batches]));
  }
  for (const { hour } of await db.query<{ hour: number }>(findChanged, [closedHour])) {
    if (enough()) return;
    await sum(db, hour);
  }
}

async function sum(
  db: Database<unknown>,
  hour: number,
  also?: (trx: Queryable<unknown>) => Promise<unknown>,
): Promise<void> {
  const { from, to } = idsOfHour(hour);
  await db.transaction(async (trx) => {
    await trx.query(removeHour, [hour]);
    await trx.query(sumHour, [hour, from, to]);
    await also?.(trx);
  });
}

/** Each hour is looked for by itself: its rows are hundreds, and one of them is enough. */
const findSummed = statement(
  "history.usage.summed",
  `select h.hour from (
     select min(hour) as first, max(hour) as last from history.usage_hour where account_id = $1 and grain = 0
   ) as known cross join lateral generate_series(greatest(known.first, $2), least(known.last, $3 - 1)) as h(hour)
     cross join lateral (
       select from history.usage_hour where account_id = $1 and grain = $5 and hour = h.hour and by_outcome >= $6 limit 1
     ) as one
   where h.hour / 24 <> all($4::integer[])
     and not exists (select from history.usage_late where hour = h.hour)`,
  { idempotent: true },
);

/**
 * The hours of an account (0: of all accounts together) that are summed up by these dimensions, but those of some days. Of
 * all together there are sums by key in some. Whether there are sums by outcome is said by each row, for an hour may have no
 * failed request.
 */
export async function summedHours(
  db: Pick<Database<unknown>, "query">,
  accountId: bigint,
  {
    from,
    to,
    withoutDays = [],
    dimensions,
  }: { from: number; to: number; withoutDays?: readonly number[]; dimensions: Dimensions },
): Promise<number[]> {
  const { key, outcome } = dimensions;
  const grain = key ? hourGrain(accountId, { ...dimensions, outcome: false }) : 0;
  const values = [accountId, from, to, integerArray(withoutDays), grain, outcome];
  const rows = await db.query<{ hour: number }>(findSummed, values);
  return rows.map(({ hour }) => hour);
}
