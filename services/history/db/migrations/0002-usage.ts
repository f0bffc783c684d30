import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";
import { dayGrainsSql, grainIdSql } from "../usage-grains.ts";
import { moreInputTokensSql, moreOutputTokensSql } from "../usage-sql.ts";

/** The sums of requests that have ended, and their latencies (domain/latency.ts) in ascending order of buckets. */
const sums = `
     account_id bigint not null,
     key_id bigint not null,
     requests bigint not null,
     input_tokens bigint not null,
     output_tokens bigint not null,
     billed_nano_usd bigint not null`;
const latencies = `
     buckets smallint[] not null,
     counts integer[] not null`;

const statements = [
  // Tokens among the quantities that have no column.
  `create function history.more_input_tokens(more jsonb) returns bigint language sql immutable parallel safe
   return ${moreInputTokensSql}`,
  `create function history.more_output_tokens(more jsonb) returns bigint language sql immutable parallel safe
   return ${moreOutputTokensSql}`,

  // Sums of hours and of days, for accounts with many requests in them, and for all accounts together under account 0. A grain
  // says by what the rows of a sum differ (db/usage-grains.ts); where not by key, key_id is 0. What shares a model or a channel
  // stands under the lowest shape that has it. by_key: whether the day has the grains of keys.
  `create table history.usage_hour (${sums},
     hour integer not null,
     shape_id integer not null,
     grain smallint not null,
     status smallint not null,${latencies},
     primary key (account_id, grain, hour, key_id, shape_id, status)
   )`,
  "create index usage_hour_hour on history.usage_hour (hour, account_id, grain)",
  `create table history.usage_day (${sums},
     day integer not null,
     shape_id integer not null,
     grain smallint not null,
     status smallint not null,
     by_key boolean not null,${latencies},
     primary key (account_id, grain, key_id, day, shape_id, status)
   )`,
  "create index usage_day_day on history.usage_day (day, account_id, grain)",
  `create view history.usage_shape as
   select id,
     min(id) over (partition by value ->> 'model', value ->> 'module') as model_id,
     min(id) over (partition by value ->> 'channel') as channel_id,
     min(id) over (partition by value ->> 'model', value ->> 'module', value ->> 'channel') as pair_id
   from history.term where value ? 'model'`,

  // closing_below: records of lower IDs that are stored from now on change what is summed up. summed_below: hours up to there
  // are summed. days_below: days likewise.
  `create table history.usage_state (
     only_row boolean primary key default true check (only_row),
     closing_below bigint not null,
     summed_below bigint not null,
     days_below integer not null
   )`,
  "insert into history.usage_state (closing_below, summed_below, days_below) values (0, 0, 0)",
  // Hours in which records were replaced after they were closed, and how many batches did so: to be summed anew. Days likewise.
  "create table history.usage_late (hour integer primary key, batches integer not null)",
  "create table history.usage_day_late (day integer primary key)",
  // What has come or gone in hours that are summed up already, to be added to their sums: for the account that it concerns, and
  // for all together. in_day: whether the sums of the day have it already; those of its hour do not, as long as the row is there.
  `create table history.usage_change (${sums},
     hour integer not null,
     shape_id integer not null,
     status smallint not null,
     bucket smallint not null,
     in_day boolean not null default false
   )`,
  "create index usage_change_account on history.usage_change (account_id, hour)",
  "create index usage_change_hour on history.usage_change (hour)",

  // The sums of an hour take its changes in and remove them. Those of its day take them in here, in the same statement,
  // whichever version of the service removes them.
  `create function history.fold_changes() returns trigger language plpgsql as $$
   begin
     if not exists (select from gone where not in_day) then return null; end if;
     -- A day without a record when its turn came has no sums that something could be added to.
     insert into history.usage_day_late (day)
     select distinct c.hour / 24 from gone c join history.usage_state s on c.hour / 24 < s.days_below
      where c.account_id = 0 and not exists (
        select from history.usage_day where day = c.hour / 24 and account_id = 0 and grain = 0)
     on conflict (day) do nothing;
     insert into history.usage_day as known (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd,
       day, shape_id, grain, status, by_key, buckets, counts)
     select account_id, key_id, sum(requests), sum(input_tokens), sum(output_tokens), sum(billed_nano_usd),
       day, shape_id, grain, status, by_key, array_agg(bucket order by bucket), array_agg(requests order by bucket)
     from (
       select c.account_id, case when g.grain >= 4 then c.key_id else 0 end as key_id, d.day,
         ${grainIdSql("c.shape_id")} as shape_id,
         g.grain, c.status, d.by_key, c.bucket, sum(c.requests)::integer as requests, sum(c.input_tokens) as input_tokens,
         sum(c.output_tokens) as output_tokens, sum(c.billed_nano_usd) as billed_nano_usd
       from gone c
       join (
         select account_id, day, bool_or(by_key) as by_key from history.usage_day
          where day in (select hour / 24 from gone) and grain = 0 group by account_id, day
       ) d on d.account_id = c.account_id and d.day = c.hour / 24
       left join history.usage_shape shape on shape.id = c.shape_id
       cross join ${dayGrainsSql} as g(grain)
       where not c.in_day and (g.grain < 4 or d.by_key)
       group by 1, 2, 3, 4, 5, 6, 7, 8
     ) as parts
     group by account_id, key_id, day, shape_id, grain, status, by_key
     on conflict (account_id, grain, key_id, day, shape_id, status) do update set
       requests = known.requests + excluded.requests,
       input_tokens = known.input_tokens + excluded.input_tokens,
       output_tokens = known.output_tokens + excluded.output_tokens,
       billed_nano_usd = known.billed_nano_usd + excluded.billed_nano_usd,
       (buckets, counts) = (
         select coalesce(array_agg(bucket order by bucket), '{}'), coalesce(array_agg(count order by bucket), '{}')
         from (
           select bucket, sum(count)::integer as count from (
             select * from unnest(known.buckets, known.counts) union all select * from unnest(excluded.buckets, excluded.counts)
           ) as both_of(bucket, count)
           group by bucket having sum(count) <> 0
         ) as added
       );
     return null;
   end $$`,
  `create trigger fold_changes after delete on history.usage_change
     referencing old table as gone for each statement execute function history.fold_changes()`,
  // An hour whose records were replaced is summed anew. By how much is not known, so its day is, too; until then its hours
  // answer for it.
  `create function history.forget_day() returns trigger language plpgsql as $$
   begin
     insert into history.usage_day_late (day)
     select old.hour / 24 from history.usage_state where old.hour / 24 < days_below on conflict (day) do nothing;
     delete from history.usage_day where day = old.hour / 24;
     return null;
   end $$`,
  `create trigger forget_day after delete on history.usage_late
     for each row execute function history.forget_day()`,
];

/**
 * What was used over time, summed up. Of 147,000 rows of hours in 60 days, each with its latencies, a sum by model reads 1,000
 * rows of days; hours and days that are summed up stay so, for a deletion of a thousand records in a thousand hours had
 * everybody's sums read from the records for twenty minutes.
 */
export const createUsage: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
