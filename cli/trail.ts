import type { Command } from "commander";
import { accountFilter, connect } from "./client.ts";
import { prints } from "./command.ts";
import { count, time } from "./parse.ts";
import { table } from "./table.ts";

interface TrailOptions {
  readonly procedure?: string;
  readonly target?: string;
  readonly before?: string;
  readonly account?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** `trail`: who changed what through the administration, newest first. */
export function trail(program: Command): void {
  prints(
    program
      .command("trail")
      .description("who changed what through the administration, newest first")
      .option("--procedure <name>", "only of this procedure, e.g. keys.revoke")
      .option("--target <target>", "only about this ID or name")
      .option("--account <account>", "ID or name; only by keys of this account")
      .option("--from <time>", "inclusive: a date, a time, or how long ago", time)
      .option("--to <time>", "exclusive", time)
      .option("--limit <count>", "events of a page, at most 1000", count, 50)
      .option("--before <event>", "where the page before ended"),
    async ({ procedure, target, before, limit, account, from, to }: TrailOptions) => {
      const client = await connect();
      return client.trail.list.query({
        ...(await accountFilter(client, account)),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(procedure === undefined ? {} : { procedure }),
        ...(target === undefined ? {} : { target }),
        ...(before === undefined ? {} : { before_event_id: before }),
        limit,
      });
    },
    ({ events, has_more }) =>
      table(
        events.map(({ time, actor, address, procedure, target, outcome, values, before, after, request_id }) => ({
          time,
          actor,
          address,
          procedure,
          target,
          outcome: outcome ?? "asked",
          request: request_id,
          values: values === null ? "" : JSON.stringify(values),
          changed: outcome === "done" ? changesOf(before, after) : "",
        })),
        "Nothing was changed.",
      ) + (has_more ? `More: --before ${events.at(-1)?.event_id}\n` : ""),
  );
}

/** The fields that a change has changed, as before and after it. */
function changesOf(before: unknown, after: unknown): string {
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) return "";
  const was = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after)
    .filter(([name, value]) => was.has(name) && JSON.stringify(was.get(name)) !== JSON.stringify(value))
    .map(([name, value]) => `${name}: ${JSON.stringify(was.get(name))} -> ${JSON.stringify(value)}`)
    .join("; ");
}
