import { type Database, statement } from "../../../shared/db/index.ts";
import { dayMs, dayOfId, idsOfDay } from "../domain/hours.ts";
import type { PlainGrouping } from "../domain/points.ts";
import { createParameters } from "./branches.ts";
import { conditionsOf, type ScanFilter } from "./scan.ts";
import { groupColumn, groupJoin, groupName, named, type PartRow } from "./timeseries.ts";
import {
  type Dimensions,
  dayGrain,
  dayGrainsSql,
  grainIdSql,
  grainKeySql,
  grainOutcomeSql,
  inGrainSql,
} from "./usage-grains.ts";
import { addedSql, bucketSql, failedOutcomeSql, sumsSql } from "./usage-sql.ts";

/** Accounts with fewer requests in a day are not summed up: reading their records is as quick. */
const minRequests = 1_000;
/** Sums by key are kept where they are fewer than the records by this factor at least. */
const minRequestsPerKeyRow = 20;

const readState = statement("history.usage.day_state", "select summed_below, days_below from history.usage_state", {
  idempotent: true,
});
const advance = statement(
  "history.usage.advance_days",
  "update history.usage_state set days_below = $1 where days_below < $1",
  { idempotent: true },
);
const nextRecord = statement(
  "history.usage.next_of_day",
  "select min(request_id) as id from history.record where request_id >= $1 and request_id < $2",
  { idempotent: true },
);
const findLate = statement("history.usage.late_days", "select day from history.usage_day_late order by day", {
  idempotent: true,
});
const forgetLate = statement("history.usage.forget_day", "delete from history.usage_day_late where day = $1", {
  idempotent: true,
});
const removeDay = statement("history.usage.remove_day", "delete from history.usage_day where day = $1", {
  idempotent: true,
});
const sumDay = statement(
  "history.usage.sum_day",
  // Changes that are visible belong to records that are counted: both were committed together.
  `with marked as (
     update history.usage_change set in_day = true where hour >= $1 * 24 and hour < $1 * 24 + 24 and not in_day
   ), counted as materialized (
     select account_id, key_id, shape_id, ${failedOutcomeSql} as outcome_id, status, ${bucketSql} as bucket,
       count(*) as requests, ${sumsSql[0]} as input_tokens, ${sumsSql[1]} as output_tokens, ${sumsSql[2]} as billed_nano_usd
     from history.record where request_id >= $2 and request_id < $3 group by 1, 2, 3, 4, 5, 6
   ), large as (
     select account_id, sum(requests) >= ${minRequestsPerKeyRow} * count(distinct (key_id, shape_id, status)) as by_key
     from counted group by 1 having sum(requests) >= ${minRequests}
   ), everybody as (
     select sum(requests) >= ${minRequestsPerKeyRow} * count(distinct (key_id, shape_id, status)) as by_key from counted
   ), parts as (
     select counted.*, by_key from counted join large using (account_id)
     union all
     select 0, case when by_key then key_id else 0 end, shape_id, outcome_id, status, bucket, sum(requests),
       sum(input_tokens), sum(output_tokens), sum(billed_nano_usd), by_key
       from counted cross join everybody group by 1, 2, 3, 4, 5, 6, by_key
   ), grains as (
     select account_id, ${grainKeySql("key_id")} as key_id, grain::smallint as grain, by_key,
       ${grainOutcomeSql("outcome_id")} as outcome_id, status, bucket, ${grainIdSql("shape_id")} as shape_id,
       sum(requests) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
       sum(billed_nano_usd) as billed_nano_usd
     from parts left join history.usage_shape shape on shape.id = shape_id cross join ${dayGrainsSql} as g(grain)
     where ${inGrainSql("status", "by_key")}
     group by 1, 2, 3, 4, 5, 6, 7, 8
   )
   insert into history.usage_day (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd, day, shape_id,
     outcome_id, grain, status, by_key, by_outcome, buckets, counts)
   select account_id, key_id, sum(requests), ${addedSql}, $1, shape_id, outcome_id,
     grain, status, by_key, true, array_agg(bucket order by bucket), array_agg(requests::integer order by bucket)
   from grains group by account_id, key_id, shape_id, outcome_id, grain, status, by_key`,
);

/** How days are summed up. */
export interface SumDaysOptions {
  /** A day is summed when its hours have been for this long. */
  readonly lagMs: number;
  /** Longest time; the next call goes on with the others. */
  readonly maxMs: number;
  readonly stopping: () => boolean;
}

/**
 * Sums up the days whose hours are summed up, and those anew in which records were replaced, one in each transaction. What
 * else changes in them is added when the sums of its hour take it in.
 */
export async function sumDays(db: Database<unknown>, { lagMs, maxMs, stopping }: SumDaysOptions): Promise<void> {
  const untilMs = performance.now() + maxMs;
  const enough = (): boolean => stopping() || performance.now() > untilMs;
  for (const { day } of await db.query<{ day: number }>(findLate, [])) {
    if (enough()) return;
    await sum(db, day);
  }
  const [state] = await db.query<{ summed_below: bigint; days_below: number }>(readState, []);
  if (state === undefined) return;
  const bound = dayOfId(later(state.summed_below, -lagMs));
  let from = state.days_below;
  while (from < bound && !enough()) {
    const [next] = await db.query<{ id: bigint | null }>(nextRecord, [idsOfDay(from).from, idsOfDay(bound).from]);
    const day = next?.id == null ? undefined : dayOfId(next.id);
    if (day !== undefined) await sum(db, day);
    from = day === undefined ? bound : day + 1;
    await db.query(advance, [from]);
  }
}

function later(id: bigint, byMs: number): bigint {
  const moved = id + (BigInt(byMs) << 22n);
  return moved < 0n ? 0n : moved;
}

async function sum(db: Database<unknown>, day: number): Promise<void> {
  const { from, to } = idsOfDay(day);
  await db.transaction(async (trx) => {
    await trx.query(forgetLate, [day]);
    await trx.query(removeDay, [day]);
    await trx.query(sumDay, [day, from, to]);
  });
}

/** What days are asked for. `accountId` 0: all accounts together. */
export interface DaysAsked {
  readonly accountId: bigint;
  /** Days, the last one excluded. */
  readonly range: { readonly from: number; readonly to: number };
  readonly statuses: readonly number[];
  readonly filter: ScanFilter;
  readonly dimensions: Dimensions;
  readonly groupBy: PlainGrouping;
}

/** The days that are summed up, and their sums: one or two rows for each group of each, one for each change since. */
export async function summedDays(
  db: Pick<Database<unknown>, "query">,
  { accountId, range, statuses, filter, dimensions, groupBy }: DaysAsked,
): Promise<{ days: number[]; rows: PartRow[] }> {
  if (range.from >= range.to) return { days: [], rows: [] };
  const parameters = createParameters();
  const { add } = parameters;
  const account = add(accountId, "bigint");
  const [first, end] = [add(range.from, "integer"), add(range.to, "integer")];
  const conditions = [`status = any(${add(statuses, "smallint[]")})`, ...conditionsOf(filter, parameters)].join(
    " and ",
  );
  const ofGrain = `grain = ${dayGrain(dimensions)}${dimensions.key ? "" : " and key_id = 0"}`;
  const member = groupColumn[groupBy];
  const atUnixMs = `counted.day::bigint * ${dayMs}`;
  // All in one statement, so that which days are summed and what their sums are is seen at one moment.
  const sql = `
    with summed as materialized (
      select d.day from generate_series(${first}, ${end} - 1) as d(day)
      cross join lateral (
        select from history.usage_day u
         where u.account_id = ${account} and u.grain = 0 and u.key_id = 0 and u.day = d.day
           ${dimensions.key ? "and u.by_key" : ""} ${dimensions.outcome ? "and u.by_outcome" : ""}
         limit 1
      ) as one
      where not exists (select from history.usage_late where hour >= d.day * 24 and hour < d.day * 24 + 24)
    ), counted as (
      select day, ${member} as member, status, requests, input_tokens, output_tokens, billed_nano_usd,
        buckets::text as buckets, counts::text as counts
      from history.usage_day join summed using (day)
      where account_id = ${account} and ${ofGrain} and day >= ${first} and day < ${end} and ${conditions}
      union all
      select day, ${member}, status, sum(requests)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint,
        sum(billed_nano_usd)::bigint, array_agg(bucket)::text, array_agg(requests)::text
      from (select hour / 24 as day, * from history.usage_change) as change join summed using (day)
      where account_id = ${account} and hour >= ${first} * 24 and hour < ${end} * 24 and not in_day and ${conditions}
      group by 1, 2, 3
    )
    select true as summed, ${atUnixMs} as at_unix_ms, '' as group_name, 0::bigint as requests, 0::bigint as errors,
      0::bigint as input_tokens, 0::bigint as output_tokens, 0::bigint as billed_nano_usd, '{}' as buckets, '{}' as counts
    from summed as counted
    union all
    select false, ${atUnixMs}, ${groupName[groupBy]}, requests, case when status = 5 then requests else 0 end, input_tokens,
      output_tokens, billed_nano_usd, buckets, counts
    from counted ${groupJoin[groupBy]}`;
  const days: number[] = [];
  const rows: PartRow[] = [];
  for (const { summed, ...row } of await db.query<PartRow & { summed: boolean }>(named(sql), parameters.values)) {
    if (summed) days.push(Number(row.at_unix_ms) / dayMs);
    else rows.push(row);
  }
  return { days, rows };
}
