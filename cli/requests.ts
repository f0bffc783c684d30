import { once } from "node:events";
import type { Command } from "commander";
import { moduleNames } from "../shared/modules.ts";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, connect } from "./client.ts";
import { CommandError, guarded, prints, wantsJson } from "./command.ts";
import { count, list, time } from "./parse.ts";
import { facts, printable, table } from "./table.ts";

type Found = Awaited<ReturnType<AdminClient["requests"]["get"]["query"]>>;
type Page = Awaited<ReturnType<AdminClient["requests"]["list"]["query"]>>;
type Row = Page["requests"][number];
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

/** The longest that a timer may be: some 25 days. */
const longMs = 2 ** 31 - 1;

/** Prints what comes until the process is interrupted. While the gateway is away it is asked again every few seconds. */
async function follow(options: FilterOptions, json: boolean): Promise<void> {
  const client = await connect();
  const filter = await filterOf(client, options);
  // An event source tells no reasons: a key or a filter that is refused is told by this, and by the same question later.
  await client.requests.list.query({ filter, limit: 1 });
  // undici's event source is marked experimental; the warning is of no use to whoever reads requests.
  process.removeAllListeners("warning");
  const failed = Promise.withResolvers<never>();
  const isNew = createFilter();
  const subscription = client.requests.tail.subscribe(
    { filter },
    {
      onData: ({ data }) => {
        if (isNew(`${data.id} ${data.status}`))
          process.stdout.write(json ? `${JSON.stringify(data)}\n` : rowLine(data));
      },
      onError: (error) => {
        if (error.data) return failed.reject(error);
        const refused = () =>
          failed.reject(new CommandError("the gateway refused the connection: start the tail again"));
        void client.requests.list.query({ filter, limit: 1 }).then(refused, failed.reject);
      },
      onComplete: () => failed.reject(new CommandError("the gateway has ended the subscription")),
    },
  );
  // Between two connections nothing else keeps the process: undici's timer for the next one does not.
  const stay = setInterval(() => undefined, longMs);
  try {
    await Promise.race([
      once(process, "SIGINT"),
      once(process, "SIGTERM"),
      once(process.stdout, "close"),
      failed.promise,
    ]);
  } finally {
    clearInterval(stay);
    subscription.unsubscribe();
  }
  // What is open (the event source's connection pool) would keep the process for a while.
  process.exit();
}

/** Most that is remembered of what was printed: five seconds of a busy gateway. */
const maxRemembered = 10_000;

/** Tells what it has not been asked lately: after a lost connection the last few seconds come again. */
function createFilter(): (name: string) => boolean {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return false;
    known.add(name);
    const [oldest] = known;
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest);
    return true;
  };
}

function rowCells(row: Row) {
  return {
    id: row.id,
    time: row.created_time,
    status: row.status,
    http: row.http_status,
    model: row.model,
    channel: row.channel,
    ms: Math.round(row.duration_ms),
    billed_usd: row.billing.billed_usd,
    error: row.error?.code,
  };
}

function rowLine(row: Row): string {
  const { id, time: at, status, http, model, channel, ms, billed_usd, error } = rowCells(row);
  const cells = [at, id, status, http, model, channel, `${ms} ms`, `$${billed_usd}`, error];
  return `${printable(cells.filter((cell) => cell !== null && cell !== undefined).join("  "))}\n`;
}

/** E.g. "9 input_tokens at $2.5 for 1000000: $0.0000225". */
function billText({ unit, amount, price_usd, per, cost_usd }: Found["billing"]["lines"][number]): string {
  return `${amount} ${unit} at $${price_usd}${per === 1 ? "" : ` for ${per}`}: $${cost_usd}`;
}

function lifeText(life: Found): string {
  const { usage } = life;
  const lines = [
    facts({
      request: life.id,
      status: life.status,
      http_status: life.http_status,
      error: life.error === null ? null : `${life.error.code}: ${life.error.message}`,
      model: life.model,
      asked_for: life.requested_model === life.model ? null : life.requested_model,
      dialect: `${life.dialect}${life.stream ? ", streamed" : ""}`,
      channel: life.channel,
      platform: life.platform,
      message: life.message_id,
      upstream_request: life.upstream_request_id,
      client_request: life.client_request_id,
      end_user: life.end_user,
      tags: life.tags.join(", "),
      metadata: life.metadata === null ? null : JSON.stringify(life.metadata),
      path: life.origin?.path,
      from: life.origin?.address,
      user_agent: life.origin?.user_agent,
      others: life.others.join(", "),
      said: life.request,
      created: life.created_time,
      duration: `${life.duration_ms} ms`,
      first_byte: life.first_byte_ms === null ? null : `${life.first_byte_ms} ms`,
      module: life.module,
      usage: usage === null ? null : usageText(usage),
      price: life.billing.rates.map(rateText).join("; "),
      reserved: `$${life.billing.reserved_usd}`,
      because: life.billing.lines.map(billText).join("; "),
      sum: life.billing.sum_usd === null ? null : `$${life.billing.sum_usd} x ${life.billing.group_ratio ?? 1}`,
      billed: `$${life.billing.billed_usd}${life.billing.reason === null ? "" : ` (${life.billing.reason})`}`,
      list_price: life.billing.list_price_usd === null ? null : `$${life.billing.list_price_usd}`,
      trace: life.trace.url ?? life.trace.id,
      notes: life.notes.join("; "),
    }),
    "\n",
    table(
      life.attempts.map(({ id, channel, upstream_model, http_status, error, fault, resent, start_ms, end_ms }) => ({
        attempt: id,
        channel,
        model: upstream_model,
        http: http_status,
        ms: `${start_ms} to ${end_ms}`,
        error: error?.code,
        fault: [fault?.kind, fault?.code, resent ? "sent again over a new connection" : undefined]
          .filter((part) => part != null)
          .join(" "),
      })),
      "No upstream was called.",
    ),
    "\n",
    table(
      life.route.map(({ channel, chosen, reason }) => ({ channel, chosen: chosen ? "yes" : "no", reason })),
      "No route.",
    ),
    "\n",
    table(
      life.timeline.map(({ name, at_ms }) => ({ at_ms, event: name })),
      "No timeline.",
    ),
    ...jobText(life.job),
  ];
  return lines.join("");
}

/** What happened to its job; nothing where it has none. */
function jobText(job: Found["job"]): string[] {
  if (job === null) return [];
  const { polls, failed_polls, vendor_job_id, deadline_time, events, deliveries } = job;
  return [
    "\n",
    facts({ job: job.id, vendor_job: vendor_job_id, deadline: deadline_time, polls, failed_polls }),
    "\n",
    table(
      events.map(({ name, at_ms }) => ({ at_ms, event: name })),
      "Nothing has happened to it.",
    ),
    "\n",
    table(
      deliveries.map(({ delivery_id, webhook_id, type, state, tries, last_tries }) => ({
        delivery: delivery_id,
        webhook: webhook_id,
        type,
        state,
        tries,
        last: last_tries.at(-1)?.error ?? last_tries.at(-1)?.http_status,
      })),
      "No webhook was told of it.",
    ),
  ];
}

function usageText({ quantities, traits, estimated }: NonNullable<Found["usage"]>): string {
  const amounts = Object.entries(quantities).map(([unit, amount]) => `${amount} ${unit}`);
  const chosen = Object.entries(traits).map(([name, value]) => `${name} ${value}`);
  const text = amounts.length === 0 ? "nothing" : [...amounts, ...chosen].join(", ");
  return `${text}${estimated ? " (estimated)" : ""}`;
}

function rateText({ unit, usd, per, when }: Found["billing"]["rates"][number]): string {
  const conditions = Object.entries(when?.traits ?? {}).map(([name, value]) => `${name} ${value}`);
  if (when?.above_input_tokens != null) conditions.unshift(`above ${when.above_input_tokens} input tokens`);
  const text = `$${usd} ${per === 1 ? "each of" : `for ${per}`} ${unit}`;
  return conditions.length === 0 ? text : `${text} where ${conditions.join(", ")}`;
}
