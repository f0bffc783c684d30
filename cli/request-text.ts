import type { AdminClient } from "./admin-client.ts";
import { facts, printable, table } from "./table.ts";

/** The life of a request, as the gateway tells it. */
type Found = Awaited<ReturnType<AdminClient["requests"]["get"]["query"]>>;
/** A page of requests. */
export type Page = Awaited<ReturnType<AdminClient["requests"]["list"]["query"]>>;
type Row = Page["requests"][number];

/** The cells of a request in a table of requests. */
export function rowCells(row: Row) {
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

/** A request as a line of its own. */
export function rowLine(row: Row): string {
  const { id, time: at, status, http, model, channel, ms, billed_usd, error } = rowCells(row);
  const cells = [at, id, status, http, model, channel, `${ms} ms`, `$${billed_usd}`, error];
  return `${printable(cells.filter((cell) => cell !== null && cell !== undefined).join("  "))}\n`;
}

/** E.g. "9 input_tokens at $2.5 for 1000000: $0.0000225". */
function billText({ unit, amount, price_usd, per, cost_usd }: Found["billing"]["lines"][number]): string {
  return `${amount} ${unit} at $${price_usd}${per === 1 ? "" : ` for ${per}`}: $${cost_usd}`;
}

/** The life of one request for a reader: facts, attempts, route, timeline and job. */
export function lifeText(life: Found): string {
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
