import type { Command } from "commander";
import { connect } from "./client.ts";
import { prints } from "./command.ts";
import { count } from "./parse.ts";
import { table } from "./table.ts";

interface TrailOptions {
  readonly procedure?: string;
  readonly target?: string;
  readonly before?: string;
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
      .option("--limit <count>", "events of a page, at most 1000", count, 50)
      .option("--before <event>", "where the page before ended"),
    async ({ procedure, target, before, limit }: TrailOptions) => {
      const client = await connect();
      return client.trail.list.query({
        ...(procedure === undefined ? {} : { procedure }),
        ...(target === undefined ? {} : { target }),
        ...(before === undefined ? {} : { before_event_id: before }),
        limit,
      });
    },
    ({ events, has_more }) =>
      table(
        events.map(({ time, actor, address, procedure, target, outcome, values, request_id }) => ({
          time,
          actor,
          address,
          procedure,
          target,
          outcome: outcome ?? "asked",
          request: request_id,
          values: values === null ? "" : JSON.stringify(values),
        })),
        "Nothing was changed.",
      ) + (has_more ? `More: --before ${events.at(-1)?.event_id}\n` : ""),
  );
}
