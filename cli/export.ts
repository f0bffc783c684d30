import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import type { Command } from "commander";
import { connect } from "./client.ts";
import { guarded } from "./command.ts";
import { type FilterOptions, filterOf, takesFilter } from "./requests.ts";

/** Requests of a page; history cuts it where their answers together are large. */
const pageSize = 200;

interface Options extends FilterOptions {
  readonly out?: string;
  readonly after?: string;
}

/** `export`: records of a time range, oldest first, a JSON document a line. */
export function exportRecords(program: Command): void {
  takesFilter(
    program
      .command("export")
      .description(
        "records of a time range as NDJSON, oldest first; with an API key as THROUGHLINE_ADMIN_KEY: its own",
      ),
    { times: true },
  )
    .option("--out <file>", "write to this file; none: standard output")
    .option("--after <id>", "go on after this request")
    .action((options: Options) => guarded(false, () => run(options)));
}

/** One page is in memory at a time: the next is asked for when the last is written. */
async function run({ out, after, ...options }: Options): Promise<void> {
  const client = await connect();
  const filter = await filterOf(client, options);
  const sink = out === undefined ? process.stdout : createWriteStream(out, { mode: 0o600 });
  const broken = once(sink, "error").then(([error]: unknown[]) => {
    throw error;
  });
  broken.catch(() => undefined);
  let cursor = after;
  let written = 0;
  do {
    const page = await client.requests.list.query({
      filter,
      limit: pageSize,
      ascending: true,
      with_payload: true,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const request of page.details) {
      await Promise.race([write(sink, `${JSON.stringify(request)}\n`), broken]);
      written++;
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (out !== undefined) {
    await Promise.race([new Promise<void>((resolve) => sink.end(() => resolve())), broken]);
    process.stderr.write(`${written} requests written to ${out}\n`);
  }
}

async function write(sink: Writable, line: string): Promise<void> {
  if (!sink.write(line)) await once(sink, "drain");
}
