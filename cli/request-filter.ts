import type { Command } from "commander";
import { moduleNames } from "../shared/modules.ts";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter } from "./client.ts";
import { list, time } from "./parse.ts";

type Asked = Extract<Parameters<AdminClient["requests"]["list"]["query"]>[0], object>;
type Filter = NonNullable<Asked["filter"]>;

/** Options that say which requests. */
export interface FilterOptions {
  readonly account?: string;
  readonly status?: string[];
  readonly module?: string;
  readonly model?: string;
  readonly channel?: string;
  readonly key?: string;
  readonly user?: string;
  readonly endUser?: string;
  readonly tag?: string;
  readonly trace?: string;
  readonly error?: string;
  readonly from?: string;
  readonly to?: string;
  readonly id?: string;
}

/** Adds the options that say which requests. */
export function takesFilter(command: Command, { times }: { times: boolean }): Command {
  command
    .option("--account <account>", "ID or name; none: all accounts")
    .option("--status <status>", "succeeded, failed, processing, pending, queueing; separate by commas", list)
    .option("--module <module>", `${moduleNames.join(", ")}`)
    .option("--model <model>", "model")
    .option("--channel <channel>", "channel")
    .option("--key <id>", "key ID")
    .option("--user <id>", "whose records: a user key's user, or whom a back end named")
    .option("--end-user <name>", "for whom it was, whatever key named the end user")
    .option("--tag <tag>", "a tag of the request")
    .option("--trace <id>", "trace ID, 32 hex digits")
    .option("--error <code>", "error code");
  if (!times) return command;
  return command
    .option("--from <time>", "inclusive: a date, a time, or how long ago", time)
    .option("--to <time>", "exclusive", time)
    .option("--id <text>", "start of the request ID");
}

/** The filter as the router takes it; it checks the values. */
export async function filterOf(client: AdminClient, options: FilterOptions): Promise<Filter> {
  const { status, module: kind, model, channel, key, user, endUser, tag, trace, error, from, to, id } = options;
  const given = {
    statuses: status,
    module: kind,
    model,
    channel,
    key_id: key,
    user_id: user,
    end_user: endUser,
    tag,
    trace_id: trace,
    error_code: error,
    from,
    to,
    id_text: id,
  };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...(await accountFilter(client, options.account)), ...(Object.fromEntries(said) as Filter) };
}
