import { type Command, Option } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, connect } from "./client.ts";
import { prints } from "./command.ts";
import { count, list } from "./parse.ts";
import { facts, table } from "./table.ts";

type Webhook = Awaited<ReturnType<AdminClient["webhooks"]["list"]["query"]>>["webhooks"][number];
type Delivery = Awaited<ReturnType<AdminClient["webhooks"]["deliveries"]["query"]>>["deliveries"][number];

interface Options {
  readonly account?: string;
  readonly url?: string;
  readonly event?: string[];
  readonly description?: string;
  readonly enabled?: boolean;
}

interface DeliveryOptions {
  readonly account?: string;
  readonly webhook?: string;
  readonly state?: "pending" | "delivered" | "dead";
  readonly request?: string;
  readonly before?: string;
  readonly limit: number;
}

/** `webhooks create | list | update | rotate | callback-secret | delete | test | deliveries | resend`. */
export function webhooks(program: Command): void {
  const group = program
    .command("webhooks")
    .description("who is told of videos, jobs and alerts, and what became of it");
  const webhook = (name: string, description: string) =>
    group.command(name).description(description).argument("<webhook>", "webhook ID");

  prints(
    takesWebhook(group.command("create").description("create a webhook; its secret is shown this once"))
      .argument("<url>", "where events go, https")
      .option("--account <account>", "ID or name; none: the key's own"),
    async (url: string, { account, ...options }: Options) => {
      const client = await connect();
      return client.webhooks.create.mutate({ ...(await accountFilter(client, account)), url, ...given(options) });
    },
    withSecret,
  );

  prints(
    group.command("list").description("list webhooks; never their secrets").option("--account <account>", "ID or name"),
    async ({ account }: Options) => {
      const client = await connect();
      const of = await accountFilter(client, account);
      const found: Webhook[] = [];
      for (;;) {
        const after = found.at(-1)?.webhook_id;
        const page = await client.webhooks.list.query({
          ...of,
          ...(after && { after_webhook_id: after }),
          limit: 1_000,
        });
        found.push(...page.webhooks);
        if (!page.has_more) return found;
      }
    },
    (found) =>
      table(
        found.map(({ webhook_id, account_id, url, events, enabled, description }) => ({
          webhook_id,
          account_id,
          url: url ?? "(callback URLs)",
          events: events.join(","),
          enabled: enabled ? "yes" : "no",
          description,
        })),
        "There are no webhooks.",
      ),
  );

  prints(
    takesWebhook(webhook("update", "change what is given")).option("--url <url>", "where events go, https"),
    async (webhook_id: string, { url, ...options }: Options) =>
      (await connect()).webhooks.update.mutate({
        webhook_id,
        ...(url === undefined ? {} : { url }),
        ...given(options),
      }),
    webhookText,
  );

  prints(
    webhook("rotate", "give a webhook a new secret, shown this once; the old one signs beside it for a day"),
    async (webhook_id: string) => (await connect()).webhooks.rotate.mutate({ webhook_id }),
    withSecret,
  );

  prints(
    group
      .command("callback-secret")
      .description("a new secret for the callback URLs of an account's requests, shown this once")
      .option("--account <account>", "ID or name; none: the key's own"),
    async ({ account }: Options) => {
      const client = await connect();
      return client.webhooks.rotateCallbacks.mutate(await accountFilter(client, account));
    },
    withSecret,
  );

  prints(
    webhook("delete", "remove a webhook with its deliveries; a repeat is fine"),
    async (webhook_id: string) => (await connect()).webhooks.delete.mutate({ webhook_id }),
    () => "It is deleted.\n",
  );

  prints(
    webhook("test", "send an event of the type webhook.test"),
    async (webhook_id: string) => (await connect()).webhooks.test.mutate({ webhook_id }),
    (delivery) => deliveriesText([delivery]),
  );

  prints(
    group
      .command("deliveries")
      .description("what was sent to webhooks, newest first, and what became of it")
      .option("--account <account>", "ID or name")
      .option("--webhook <webhook>", "only to this webhook")
      .addOption(new Option("--state <state>", "only in this state").choices(["pending", "delivered", "dead"]))
      .option("--request <id>", "only about this request")
      .option("--limit <count>", "deliveries of a page, at most 1000", count, 50)
      .option("--before <delivery>", "where the page before ended"),
    async ({ account, webhook: webhook_id, state, request: request_id, before, limit }: DeliveryOptions) => {
      const client = await connect();
      return client.webhooks.deliveries.query({
        ...(await accountFilter(client, account)),
        ...(webhook_id === undefined ? {} : { webhook_id }),
        ...(state === undefined ? {} : { state }),
        ...(request_id === undefined ? {} : { request_id }),
        ...(before === undefined ? {} : { before_delivery_id: before }),
        limit,
      });
    },
    ({ deliveries, has_more }) =>
      deliveriesText(deliveries) + (has_more ? `More: --before ${deliveries.at(-1)?.delivery_id}\n` : ""),
  );

  prints(
    group.command("resend").description("send a delivery again that has ended").argument("<delivery>", "delivery ID"),
    async (delivery_id: string) => (await connect()).webhooks.resend.mutate({ delivery_id }),
    (delivery) => deliveriesText([delivery]),
  );
}

/** Deliveries as a table. */
export function deliveriesText(deliveries: readonly Delivery[]): string {
  return table(
    deliveries.map(({ delivery_id, webhook_id, type, state, tries, last_tries, next_try_time, request_id, url }) => ({
      delivery_id,
      webhook_id,
      type,
      state,
      tries,
      last: last_tries.at(-1)?.error ?? last_tries.at(-1)?.http_status,
      next_try: next_try_time,
      request: request_id,
      url,
    })),
    "Nothing was sent.",
  );
}

function takesWebhook(command: Command): Command {
  return command
    .option("--event <types>", "types of events, families such as video.*, or *; several with commas", list)
    .option("--description <text>", "what you call it")
    .option("--enabled", "switch it on")
    .option("--no-enabled", "switch it off: what waits for it is dead from then on");
}

function given({ event, description, enabled }: Options) {
  return {
    ...(event === undefined ? {} : { events: event }),
    ...(description === undefined ? {} : { description }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}

function webhookText({ events, ...webhook }: Webhook): string {
  return facts({ ...webhook, events: events.join(", ") });
}

function withSecret({ secret, ...webhook }: Webhook & { readonly secret: string }): string {
  return `${webhookText(webhook)}\n${secret}\n`;
}
