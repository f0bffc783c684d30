import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, accountId, connect } from "./client.ts";
import { prints } from "./command.ts";
import { count, time, usd } from "./parse.ts";
import { facts, table } from "./table.ts";

type Entered = Awaited<ReturnType<AdminClient["credits"]["add"]["mutate"]>>;
type Entry = Entered["entry"];
type Sum = Awaited<ReturnType<AdminClient["usage"]["sum"]["query"]>>["sums"][number];

interface Options {
  readonly reason: string;
  readonly reference?: string;
}

/** `credits add | adjust`: both are entries of the ledger. */
export function credits(program: Command): void {
  const group = program.command("credits").description("top-ups and corrections of an account's balance");
  for (const [kind, description] of [
    ["add", "add credit that was bought or given"],
    ["adjust", "correct the balance; negative amounts after --"],
  ] as const) {
    prints(
      group
        .command(kind)
        .description(description)
        .argument("<account>", "ID or name")
        .argument("<usd>", "dollars, e.g. 250.00", usd)
        .requiredOption("--reason <text>", "why; shown in the ledger")
        .option("--reference <text>", "a reference of yours: the same one is entered once, so a repeat is safe"),
      async (account: string, amount_usd: string, { reason, reference }: Options) => {
        const client = await connect();
        return client.credits[kind].mutate({
          account_id: await accountId(client, account),
          amount_usd,
          reason,
          ...(reference === undefined ? {} : { reference }),
        });
      },
      ({ entry, balance_usd }: Entered) => entryText(entry) + facts({ balance_usd }),
    );
  }
}

interface LedgerOptions {
  readonly account?: string;
  readonly request?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** `ledger`: its entries, newest first. */
export function ledger(program: Command): void {
  prints(
    program
      .command("ledger")
      .description("entries of the ledger, newest first")
      .option("--account <account>", "ID or name; none: all accounts")
      .option("--request <id>", "only the entries of this request")
      .option("--limit <count>", "entries of a page, at most 1000", count, 50)
      .option("--cursor <cursor>", "where the page before ended"),
    async ({ account, request, limit, cursor }: LedgerOptions) => {
      const client = await connect();
      return client.ledger.list.query({
        ...(await accountFilter(client, account)),
        ...(request === undefined ? {} : { request_id: request }),
        ...(cursor === undefined ? {} : { cursor }),
        limit,
      });
    },
    ({ entries, next_cursor }) =>
      table(
        entries.map((entry) => ({
          time: entry.created_time,
          entry: entry.entry_id,
          kind: entry.kind,
          account: entry.account_id,
          amount_usd: entry.amount_usd,
          model: entry.request?.model,
          reason: entry.reason,
          actor: entry.actor,
        })),
        "There are no entries.",
      ) + (next_cursor === null ? "" : `More: --cursor ${next_cursor}\n`),
  );
}

interface UsageOptions {
  readonly from: string;
  readonly to?: string;
  readonly by: string;
  readonly account?: string;
}

/** `usage`: what was charged, by day, key, model, group or module. */
export function usage(program: Command): void {
  prints(
    program
      .command("usage")
      .description("what was charged, from the ledger")
      .option("--from <time>", "inclusive: a date, a time, or how long ago", time, time("30d"))
      .option("--to <time>", "exclusive; none: now", time)
      .option("--by <what>", "day, key, model, group or module", "day")
      .option("--account <account>", "ID or name; none: all accounts"),
    async ({ from, to, by, account }: UsageOptions) => {
      const client = await connect();
      return client.usage.sum.query({
        ...(await accountFilter(client, account)),
        from,
        to: to ?? new Date().toISOString(),
        by: by as "day",
      });
    },
    ({ sums }) =>
      table(
        sums.map((sum) => ({
          name: sum.name,
          requests: sum.requests,
          input_tokens: sum.usage?.input_tokens,
          cached_tokens: sum.usage?.cached_input_tokens,
          output_tokens: sum.usage?.output_tokens,
          reasoning_tokens: sum.usage?.reasoning_tokens,
          ...(sums.some(({ usage: used }) => otherUnits(used) !== "") ? { other: otherUnits(sum.usage) } : {}),
          charged_usd: sum.charged_usd,
        })),
        "Nothing was used.",
      ),
  );
}

function entryText({ request, usage: used, rates: _, ...entry }: Entry): string {
  return facts({ ...entry, model: request?.model, output_tokens: used?.output_tokens });
}

/** Units that have no column of their own in the table, e.g. "12 pages, 3 searches". */
function otherUnits(used: Sum["usage"]): string {
  const { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, ...others } = used?.quantities ?? {};
  return Object.entries(others)
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(", ");
}
