import { bigintArray, integerArray, statement, textArray } from "../../../shared/db/index.ts";
import type { LineRow } from "./batch-lines.ts";
import type { ErrorColumns } from "./kept-error.ts";
import type { JobsDatabase } from "./open.ts";

/** What a line counts as. */
export const lineResults = { succeeded: 1, failed: 2, cancelled: 3, expired: 4 } as const;

/** A line whose settlement and record are durable. */
export interface ClosedLine {
  readonly batchId: bigint;
  readonly line: number;
  /** One of `lineResults`. */
  readonly result: number;
  readonly inputTokens: bigint;
  readonly cachedInputTokens: bigint;
  readonly cacheWriteTokens: bigint;
  readonly outputTokens: bigint;
  readonly reasoningTokens: bigint;
  /** Amounts of its other units, by their names. */
  readonly more: Readonly<Record<string, bigint>>;
  /** Nano-USD, as the ledger has it. */
  readonly billed: bigint;
  /** Nano-USD; undefined: not known. */
  readonly listPrice: bigint | undefined;
}

/** What is summed, each as a column of the batch; `list_price` of lines that have none is null. */
const summed = [
  ...["input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"],
  ...["billed", "list_price"],
];
/** The largest amount that the contract holds. */
const most = "9223372036854775807";
const done = "b.succeeded + b.failed + b.cancelled + b.expired + s.items = b.total";

const close = statement(
  "jobs_lines_close",
  `with closed as (
     update jobs.batch_line l set state = 4, worker = null, body = null, outcome = null
       from unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[], ${summed.map((_, i) => `$${i + 5}::bigint[]`).join(", ")})
         as i (batch_id, line, result, more, ${summed.join(", ")})
      where l.batch_id = i.batch_id and l.line = i.line and l.state = 3
     returning i.*),
   summed as (
     select batch_id, count(*)::integer as items, (count(*) filter (where result = 1))::integer as succeeded,
       (count(*) filter (where result = 2))::integer as failed, (count(*) filter (where result = 3))::integer as cancelled,
       (count(*) filter (where result = 4))::integer as expired,
       count(list_price)::integer as listed, ${summed.map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(", ")}
     from closed group by batch_id),
   units as (
     select batch_id, jsonb_object_agg(unit, amount) as more from (
       select c.batch_id, m.key as unit, sum(m.value::numeric)::text as amount
       from closed c cross join lateral jsonb_each_text(c.more::jsonb) m group by 1, 2) u
     group by batch_id)
   update jobs.batch b set succeeded = b.succeeded + s.succeeded, failed = b.failed + s.failed,
     cancelled = b.cancelled + s.cancelled, expired = b.expired + s.expired,
     ${summed.map((name) => `${name} = b.${name} + s.${name}`).join(", ")}, costed = b.costed + s.items, listed = b.listed + s.listed,
     more = case when u.more is null then b.more else (
       select jsonb_object_agg(e.key, least(e.amount, ${most})::text) from (
         select key, sum(value::numeric) as amount from (
           select * from jsonb_each_text(coalesce(b.more, '{}')) union all select * from jsonb_each_text(u.more)) a
         group by key) e) end,
     state = case when ${done} then 3 else b.state end, finalizing_at = case when ${done} then now() end
   from summed s left join units u on u.batch_id = s.batch_id where b.batch_id = s.batch_id returning b.batch_id`,
);

/** Notes lines whose settlement and record are durable, each once: the counts of their batches are exact. */
export async function closeLines(db: JobsDatabase, lines: readonly ClosedLine[]): Promise<void> {
  await db.query(close, [
    ...[bigintArray(lines.map(({ batchId }) => batchId)), integerArray(lines.map(({ line }) => line))],
    ...[integerArray(lines.map(({ result }) => result)), textArray(lines.map(({ more }) => digitsOf(more)))],
    ...[
      bigintArray(lines.map((line) => line.inputTokens)),
      bigintArray(lines.map((line) => line.cachedInputTokens)),
      bigintArray(lines.map((line) => line.cacheWriteTokens)),
    ],
    ...[bigintArray(lines.map((line) => line.outputTokens)), bigintArray(lines.map((line) => line.reasoningTokens))],
    ...[bigintArray(lines.map(({ billed }) => billed)), bigintArray(lines.map(({ listPrice }) => listPrice ?? null))],
  ]);
}

/** As digits: numbers of JSON are not exact beyond 2^53. */
function digitsOf(amounts: Readonly<Record<string, bigint>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(amounts).map(([unit, amount]) => [unit, amount.toString()])));
}

/** A line with its result. */
export type ResultRow = Pick<LineRow, "line" | "request_id" | "said" | "answer" | keyof ErrorColumns>;

const results = statement(
  "jobs_lines_results",
  `select line, request_id, said, answer, error_code, error_message, error from jobs.batch_line
   where batch_id = $1 and line > $2 order by line limit $3`,
  { idempotent: true },
);

/** Lines with their results, in their order, behind `after`. */
export function readResults(db: JobsDatabase, batchId: bigint, after: number, limit: number): Promise<ResultRow[]> {
  return db.query<ResultRow>(results, [batchId, after, limit]);
}
