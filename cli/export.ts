import type { Command } from "commander";
import { connect } from "./client.ts";
import { CommandError, guarded } from "./command.ts";
import { openSink } from "./export-sink.ts";
import { type FilterOptions, filterOf, takesFilter } from "./request-filter.ts";

/** Requests of a page; history cuts it where their answers together are large. */
const pageSize = 200;

interface Options extends FilterOptions {
  readonly out?: string;
  readonly after?: string;
  readonly resume?: string;
}

/** `export`: requests that have ended, in the order of their ends, a JSON document a line. */
export function exportRecords(program: Command): void {
  takesFilter(
    program
      .command("export")
      .description(
        "requests that have ended as NDJSON, in the order of their ends, so that a later export goes on where this one ended and misses none; with an API key as THROUGHLINE_ADMIN_KEY: its own",
      ),
    { times: true },
  )
    .option("--out <file>", "write to this file; none: standard output")
    .option("--after <cursor>", "go on where an export ended: the cursor that it told, or the ID of its last line")
    .option("--resume <file>", "with --out: keep the cursor in this file, and append what has ended since the last run")
    .addHelpText(
      "after",
      "\n--from and --to are about the arrival of requests. Those that still run are not exported; they come behind the\ncursor when they end. A request comes again only where its record was replaced: one that was made from the ledger\ngives way to the gateway's own, and the last line counts.",
    )
    .action((options: Options) => guarded(false, () => run(options)));
}

/** One page is in memory at a time: the next is asked for when the last is written. */
async function run({ out, after, resume, ...options }: Options): Promise<void> {
  if (resume !== undefined && (out === undefined || after !== undefined)) {
    throw new CommandError("--resume goes with --out and without --after");
  }
  const client = await connect();
  const filter = await filterOf(client, options);
  const sink = await openSink({ out, resume });
  let cursor = after ?? sink.cursor;
  let written = 0;
  try {
    for (let more = true; more; ) {
      const page = await client.requests.export.query({
        filter,
        limit: pageSize,
        ...(cursor === undefined ? {} : { cursor }),
      });
      await sink.write(page.requests.map((request) => `${JSON.stringify(request)}\n`).join(""), page.next_cursor);
      written += page.requests.length;
      cursor = page.next_cursor;
      more = page.more;
    }
  } finally {
    await sink.close();
  }
  if (out !== undefined) {
    process.stderr.write(`${written} requests written to ${out}; to go on later: --after ${cursor}\n`);
  }
}
