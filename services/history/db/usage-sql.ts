import { requestIdEpochMs } from "../../../shared/request-id.ts";
import { bucketsPerE } from "../domain/latency.ts";
import { inputTokenUnits, outputTokenUnits } from "../domain/quantities.ts";

/** What is summed up of records, as SQL over the columns of history.record. */
const parts = (units: typeof inputTokenUnits): string =>
  units.flatMap(({ name, part }) => (part === undefined ? [] : [`coalesce(${name}, 0)`])).join(" + ");
const inMore = (units: typeof inputTokenUnits): string =>
  units
    .flatMap(({ name, part }) => (part === undefined ? [`coalesce((more ->> '${name}')::bigint, 0)`] : []))
    .join(" + ");

/** Input tokens of all kinds of a record. */
export const inputTokensSql = `(${parts(inputTokenUnits)} + case when more is null then 0 else history.more_input_tokens(more) end)`;
/** Output tokens likewise. */
export const outputTokensSql = `(${parts(outputTokenUnits)} + case when more is null then 0 else history.more_output_tokens(more) end)`;
/** Columns that these two, `bucketSql` and `changesSql` read. */
export const summedColumns = [
  "duration_us",
  ...[...inputTokenUnits, ...outputTokenUnits].flatMap(({ name, part }) => (part === undefined ? [] : [name])),
  "more",
  "billed_nano_usd",
  "outcome_id",
].join(", ");

/** Bodies of the functions of those names. */
export const moreInputTokensSql = inMore(inputTokenUnits);
export const moreOutputTokensSql = inMore(outputTokenUnits);

/** The bucket of a record's latency: see domain/latency.ts. */
export const bucketSql = `floor(ln(greatest(coalesce(duration_us, 1), 1)::float8) * ${bucketsPerE})::smallint`;

/** How a request ended, where sums differ by it. */
export const failedOutcomeSql = "case when status = 5 then outcome_id else 0 end";

/** The hour of an ID, counted from the Unix epoch. */
export function hourSql(id: string): string {
  return `(((${id} >> 22) + ${requestIdEpochMs}) / 3600000)::integer`;
}

/** A sum as it is stored. None may be too large for its column: the batch would be refused. */
export function boundedSum(what: string): string {
  return `least(coalesce(sum(${what}), 0), 9223372036854775807)::bigint`;
}

/** The three sums, in the order of the columns. */
export const sumsSql = [inputTokensSql, outputTokensSql, "coalesce(billed_nano_usd, 0)"].map(boundedSum);

const sumColumns = ["input_tokens", "output_tokens", "billed_nano_usd"];
/** The three columns added up once more, and likewise with their names. */
export const addedSql = sumColumns.map(boundedSum).join(", ");
export const addedNamedSql = sumColumns.map((column) => `${boundedSum(column)} as ${column}`).join(", ");

/**
 * Notes what changes of hours that are summed up already, for the account and for all together (account 0). `records` and
 * `join` say of which; `sign`: -1 for what is deleted.
 */
export function changesSql({ records, join, sign }: { records: string; join: string; sign: "" | "-" }): string {
  return `
     insert into history.usage_change (account_id, key_id, requests, input_tokens, output_tokens, billed_nano_usd,
       hour, shape_id, outcome_id, status, bucket)
     select whose.account_id, key_id, ${sign}count(*),
       ${sumsSql.map((sum) => sign + sum).join(", ")}, ${hourSql("request_id")}, shape_id, ${failedOutcomeSql}, status, ${bucketSql}
     from ${records} ${join} cross join lateral (values (${records}.account_id), (0)) as whose(account_id)
     group by 1, 2, 7, 8, 9, 10, 11`;
}
