import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, connect } from "./client.ts";
import { prints } from "./command.ts";
import { count, time } from "./parse.ts";
import { facts, table } from "./table.ts";

type Job = Awaited<ReturnType<AdminClient["jobs"]["get"]["query"]>>;
type Row = Awaited<ReturnType<AdminClient["jobs"]["list"]["query"]>>["jobs"][number];
type Batch = Awaited<ReturnType<AdminClient["batches"]["get"]["query"]>>;

interface PageOptions {
  readonly account?: string;
  readonly limit: number;
  readonly after?: string;
}

interface ListOptions extends PageOptions {
  readonly from?: string;
  readonly to?: string;
}

/** `jobs get`, `jobs list`, `jobs batch`, `jobs batches`: work that outlives its request, with what it cost. `jobs` alone runs the process. */
export function jobs(program: Command): void {
  const name = "jobs";
  const group =
    program.commands.find((command) => command.name() === name) ??
    program.command(name).description("work that outlives its request, and what it cost");
  prints(
    group.command("get <id>").description("one job, by any ID of it, with what it cost"),
    async (id: string) => (await connect()).jobs.get.query({ id }),
    showJob,
  );
  const page = (command: Command, what: string): Command =>
    command
      .option("--account <account>", "ID or name; none: all accounts")
      .option("--limit <count>", `${what} of a page, at most 100`, count, 20)
      .option("--after <id>", "where the page before ended");
  prints(
    page(group.command("list").description("jobs, newest first, with what they cost"), "jobs")
      .option("--from <time>", "inclusive: a date, a time, or how long ago", time)
      .option("--to <time>", "exclusive", time),
    async ({ account, limit, after, from, to }: ListOptions) => {
      const client = await connect();
      return client.jobs.list.query({
        ...(await accountFilter(client, account)),
        ...(after === undefined ? {} : { after }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        limit,
      });
    },
    ({ jobs: listed, next_cursor }) => table(listed.map(rowOf), "There are no jobs.") + moreOf(next_cursor),
  );
  prints(
    group.command("batch <id>").description("one batch, with what its lines cost so far"),
    async (id: string) => (await connect()).batches.get.query({ id }),
    showBatch,
  );
  prints(
    page(group.command("batches").description("batches, newest first, with what their lines cost so far"), "batches"),
    async ({ account, limit, after }: PageOptions) => {
      const client = await connect();
      return client.batches.list.query({
        ...(await accountFilter(client, account)),
        ...(after === undefined ? {} : { after }),
        limit,
      });
    },
    ({ batches, next_cursor }) => table(batches.map(batchRowOf), "There are no batches.") + moreOf(next_cursor),
  );
}

function moreOf(cursor: string | null): string {
  return cursor === null ? "" : `More: --after ${cursor}\n`;
}

function rowOf({ id, created_time, module, model, status, account_id, channel, billed_usd, list_price_usd }: Row) {
  return { id, created: created_time, module, model, status, account: account_id, channel, billed_usd, list_price_usd };
}

function showJob({ life, usage, error, content, trouble, ...job }: Job): string {
  const { object: _object, ...said } = job;
  return facts({
    ...said,
    usage: amountsOf(usage),
    error: error === null ? null : `${error.code}: ${error.message}`,
    trouble: trouble === null ? null : `${trouble.code} since ${trouble.since_time}`,
    content: content?.url,
    events: life.events.map(({ name, at_ms }) => `${name} +${at_ms} ms`).join(", "),
  });
}

function batchRowOf(batch: Batch) {
  const { id, created_time, endpoint, status, lines, account_id, billed_usd, list_price_usd } = batch;
  return {
    ...{ id, created: created_time, endpoint, status, account: account_id, lines: lines.total },
    ...{ succeeded: lines.succeeded, failed: lines.failed, billed_usd, list_price_usd },
  };
}

function showBatch({ lines, usage, models, ...batch }: Batch): string {
  return facts({
    ...batch,
    models: models.join(", "),
    lines: Object.entries(lines)
      .map(([name, amount]) => `${amount} ${name}`)
      .join(", "),
    usage: amountsOf(usage),
  });
}

function amountsOf(usage: Job["usage"]): string {
  return Object.entries(usage?.quantities ?? {})
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(", ");
}
