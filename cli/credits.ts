import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, accountId, connect } from "./client.ts";
import { prints } from "./command.ts";
import { count, usd } from "./parse.ts";
import { facts, table } from "./table.ts";

type Entered = Awaited<ReturnType<AdminClient["credits"]["add"]["mutate"]>>;
type Entry = Entered["entry"];

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

function entryText({ request, usage: used, rates: _, ...entry }: Entry): string {
  return facts({ ...entry, model: request?.model, output_tokens: used?.output_tokens });
}
