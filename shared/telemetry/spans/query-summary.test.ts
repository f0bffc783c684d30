import { expect, test } from "vitest";
import { summaryOf } from "./query-summary.ts";

test.each([
  ["select * from billing.reserve($1, $2)", "SELECT billing.reserve", "SELECT"],
  [
    "select a, b from history.record r join history.payload p on p.id = r.id where x = 'from secrets'",
    "SELECT history.record history.payload",
    "SELECT",
  ],
  ["insert into jobs.job (a, b) values ($1, $2) on conflict (a) do update set b = $2", "INSERT jobs.job", "INSERT"],
  [
    'update "jobs"."job" set a = 1 where id in (select id from jobs.job for update skip locked)',
    "UPDATE jobs.job SELECT jobs.job",
    undefined,
  ],
  [
    "with due as (select id from jobs.job), done as (update jobs.job set x = 1 from due) select * from done",
    "SELECT jobs.job UPDATE jobs.job SELECT",
    undefined,
  ],
  ["delete from only history.unfinished where id = any($1)", "DELETE history.unfinished", "DELETE"],
  ["select x from unnest($1::bigint[]) as u (x)", "SELECT", "SELECT"],
  ["select history.put_records($1, $2) as stored", "SELECT history.put_records", "SELECT"],
  ["vacuum", "VACUUM", undefined],
])("%s", (sql, text, operation) => {
  expect(summaryOf(sql)).toEqual({ text, operation });
});

test.each(["begin", "begin isolation level serializable", "COMMIT", " rollback", "set local jit = off"])(
  "%s has no span",
  (sql) => expect(summaryOf(sql)).toBeUndefined(),
);
