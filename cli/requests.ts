import type { Command } from "commander";
import { connect } from "./client.ts";
import { guarded, prints, wantsJson } from "./command.ts";
import { count } from "./parse.ts";
import { type FilterOptions, filterOf, takesFilter } from "./request-filter.ts";
import { follow } from "./request-tail.ts";
import { lifeText, type Page, rowCells } from "./request-text.ts";
import { table } from "./table.ts";

/** `requests get | list | tail | delete`. */
export function requests(program: Command): void {
  const group = program.command("requests").description("what happened to requests");

  prints(
    group
      .command("get")
      .description("the life of one request")
      .argument(
        "<id>",
        "its ID in either spelling, that of its answer, job or trace, an upstream's, or the client's own",
      ),
    async (id: string) => (await connect()).requests.get.query({ id }),
    lifeText,
  );

  prints(
    takesFilter(group.command("list").description("requests, newest first"), { times: true })
      .option("--limit <count>", "requests of a page, at most 1000", count, 50)
      .option("--cursor <id>", "where the page before ended"),
    async ({ limit, cursor, ...options }: FilterOptions & { limit: number; cursor?: string }) => {
      const client = await connect();
      const filter = await filterOf(client, options);
      return client.requests.list.query({ filter, limit, ...(cursor === undefined ? {} : { cursor }) });
    },
    ({ requests: rows, next_cursor }: Page) =>
      table(
        rows.map(rowCells),
        next_cursor === null ? "There are no such requests." : "No such request so far; there is more to look through.",
      ) + (next_cursor === null ? "" : `More: --cursor ${next_cursor}\n`),
  );

  prints(
    group
      .command("delete")
      .description("delete the records of requests; the ledger keeps what they cost")
      .argument("<id...>", "request IDs"),
    async (request_ids: string[]) => (await connect()).requests.delete.mutate({ request_ids }),
    ({ deleted }) => `${deleted} deleted.\n`,
  );

  const tail = takesFilter(group.command("tail").description("new requests as they come, until interrupted"), {
    times: false,
  }).option("--json", "print a JSON document a line");
  tail.action((options: FilterOptions) => guarded(wantsJson(tail), () => follow(options, wantsJson(tail))));
}
