import { type Command, Option } from "commander";
import { stringify } from "csv-stringify/sync";
import { units } from "../shared/units.ts";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, connect } from "./client.ts";
import { prints, wantsJson } from "./command.ts";
import { count, time } from "./parse.ts";
import { table } from "./table.ts";

type Sums = Awaited<ReturnType<AdminClient["usage"]["sum"]["query"]>>;
type Sum = Sums["sums"][number];

const ways = ["day", "key", "model", "group", "module", "account", "channel", "user", "tag"] as const;
const steps = ["hour", "day", "month"] as const;

interface Options {
  readonly from: string;
  readonly to?: string;
  readonly by: (typeof ways)[number];
  readonly step?: (typeof steps)[number];
  readonly format: Format;
  readonly account?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** `usage`: what was charged beside the vendors' list prices, by whom and for what. */
export function usage(program: Command): void {
  const command = program
    .command("usage")
    .description("what was charged, and what it costs by the vendors' lists, from the ledger")
    .option("--from <time>", "inclusive: a date, a time, or how long ago", time, time("30d"))
    .option("--to <time>", "exclusive; none: now", time)
    .addOption(new Option("--by <what>", "what is summed").choices(ways).default("day"))
    .addOption(new Option("--step <time>", "a sum for each of these; none: for the whole time").choices(steps))
    .addOption(new Option("--format <format>", "how it is printed").choices(Object.keys(formats)).default("table"))
    .option("--account <account>", "ID or name; none: all accounts")
    .option(
      "--limit <count>",
      "names of a page, at most 1000, the largest charge first; none: 1000 in a table, and all of them otherwise",
      count,
    )
    .option("--cursor <cursor>", "where the page before ended");
  prints(
    command,
    async ({ from, to, by, step, account, limit, cursor, format }: Options) => {
      const client = await connect();
      const asked = {
        ...(await accountFilter(client, account)),
        ...(step === undefined ? {} : { step }),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
        from,
        to: to ?? new Date().toISOString(),
        by,
      };
      const ask = (next: string | undefined) =>
        client.usage.sum.query(next === undefined ? asked : { ...asked, cursor: next });
      const onePage = limit !== undefined || cursor !== undefined || (format === "table" && !wantsJson(command));
      return onePage ? ask(undefined) : allPages(ask);
    },
    (page) => formats[command.opts<Options>().format](page),
  );
}

/** Sums of all pages as one, each sum once: a name whose charge grows meanwhile moves up to pages that were read. */
export async function allPages(ask: (cursor: string | undefined) => Promise<Sums>): Promise<Sums> {
  const found = new Map<string, Sum>();
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const page = await ask(cursor);
    for (const sum of page.sums) found.set(JSON.stringify([sum.name, sum.other, sum.time]), sum);
    // A gateway from before there were pages says nothing of a next one: it gives all sums at once.
    cursor = page.next_cursor ?? null;
  }
  return { sums: [...found.values()], next_cursor: null, rest: null };
}

const formats = {
  table: (page: Sums) => inTable(page.sums) + moreOf(page),
  json: (page: Sums) => `${JSON.stringify(page, null, 2)}\n`,
  csv: ({ sums }: Sums) => usageCsv(sums),
  ndjson: ({ sums }: Sums) => inLines(sums),
};
type Format = keyof typeof formats;

/** What people call a sum. */
function nameOf({ name, title, other }: Sum): string {
  if (other) return "(other)";
  return title === null ? name : `${name} ${title}`;
}

function inTable(sums: readonly Sum[]): string {
  const any = (has: (sum: Sum) => boolean) => sums.some(has);
  const rows = sums.map((sum) => ({
    ...(any(({ time: at }) => at !== null) ? { time: sum.time } : {}),
    name: nameOf(sum),
    requests: sum.requests,
    input_tokens: sum.usage?.input_tokens,
    cached_tokens: sum.usage?.cached_input_tokens,
    output_tokens: sum.usage?.output_tokens,
    reasoning_tokens: sum.usage?.reasoning_tokens,
    ...(any(({ usage: used }) => otherUnits(used) !== "") ? { other: otherUnits(sum.usage) } : {}),
    charged_usd: sum.charged_usd,
    ...(any(({ list_price_usd }) => list_price_usd !== null)
      ? { list_price_usd: sum.list_price_usd, margin_usd: sum.margin_usd }
      : {}),
  }));
  return table(rows, "Nothing was used.");
}

/** What comes after a page; nothing where the gateway is from before there were pages, and has given all. */
export function moreOf({ rest, next_cursor }: Partial<Sums>): string {
  if (rest === null || rest === undefined) return "";
  return `(${rest.names} more: ${rest.requests} requests, ${rest.charged_usd} USD)\nMore: --cursor ${next_cursor}\n`;
}

function inLines(sums: readonly Sum[]): string {
  return sums.map((sum) => `${JSON.stringify(sum)}\n`).join("");
}

/**
 * Sums as CSV by RFC 4180, always with the same columns: those of every unit stand behind the others. Empty: not known, or none.
 * Names are what clients and people chose: one that a spreadsheet would take for a formula has an apostrophe before it.
 */
export function usageCsv(sums: readonly Sum[]): string {
  const rows = sums.map((sum) => ({
    time: sum.time,
    name: asText(sum.other ? "(other)" : sum.name),
    title: asText(sum.title ?? ""),
    requests: sum.requests,
    charged_usd: sum.charged_usd,
    list_price_usd: sum.list_price_usd,
    listed_requests: sum.listed_requests,
    margin_usd: sum.margin_usd,
    estimated: sum.usage?.estimated,
    ...sum.usage?.quantities,
  }));
  return stringify(rows, {
    header: true,
    columns: [...columns],
    record_delimiter: "\r\n",
    // By itself the library quotes the delimiter of records as a whole, not each of its characters.
    quoted_match: /[\r\n]/,
    cast: { boolean: String },
  });
}

const columns: readonly string[] = [
  ...[
    "time",
    "name",
    "title",
    "requests",
    "charged_usd",
    "list_price_usd",
    "listed_requests",
    "margin_usd",
    "estimated",
  ],
  ...units.map(({ name }) => name).filter((name) => name !== "requests"),
];

/** Spreadsheets run what begins so, also behind white space. */
function asText(text: string): string {
  return /^\s*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text;
}

/** Units that have no column of their own in the table, e.g. "12 pages, 3 searches". */
function otherUnits(used: Sum["usage"]): string {
  const { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, ...others } = used?.quantities ?? {};
  return Object.entries(others)
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(", ");
}
