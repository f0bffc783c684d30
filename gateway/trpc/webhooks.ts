import { z } from "zod";
import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DeliveryState } from "../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { reachedAccount } from "../reach.ts";
import { deliveryOut } from "../view/delivery.ts";
import { present } from "../view/payer.ts";
import { webhookOut } from "../view/webhook.ts";
import { id, limit, requestId, text } from "./input.ts";
import { adminRead, adminWrite, callOptions, router, type TrpcContext } from "./procedures.ts";

const url = text.min(1).max(2_048);
const events = z.array(text.min(1).max(100)).min(1).max(100);
const description = text.max(200);
const states = {
  pending: DeliveryState.PENDING,
  delivered: DeliveryState.DELIVERED,
  dead: DeliveryState.DEAD,
} as const;

type Ctx = TrpcContext & { readonly principal: Principal };

/** An endpoint that a caller names, within its reach. */
function named(ctx: Ctx, endpointId: bigint) {
  return { endpointId, accountId: reachedAccount(ctx.principal) };
}

/** The account that something is made for; none given: the key's own. Throws not_found, as billing has no such account. */
async function existing(ctx: Ctx, asked: bigint | undefined): Promise<bigint> {
  const accountId = reachedAccount(ctx.principal, asked ?? ctx.principal.accountId);
  await ctx.gateway.billing.getAccount({ accountId }, callOptions(ctx));
  return accountId;
}

/** Webhooks: receivers of an account's events, and what became of each event. A secret is in the answer to its making alone. */
export const webhooks = router({
  /** Makes a webhook. `platform` marks one of an operator's own account. */
  create: adminWrite
    .input(
      z.strictObject({
        account_id: id.optional(),
        url,
        events: events.default(["*"]),
        description: description.default(""),
        enabled: z.boolean().default(true),
      }),
    )
    .mutation(async ({ ctx, input }) => {
      const { principal } = ctx;
      const accountId = await existing(ctx, input.account_id);
      const made = await ctx.gateway.jobs.createWebhookEndpoint(
        {
          ...{ accountId, url: input.url, events: input.events, description: input.description },
          disabled: !input.enabled,
          platform: principal.operator && accountId === principal.accountId,
        },
        callOptions(ctx),
      );
      return { ...webhookOut(present(made.endpoint)), secret: made.secret };
    }),

  /** Lists webhooks by ID, of one account or of all that are reached. One without a URL signs what goes to callback URLs. */
  list: adminRead
    .input(
      z
        .strictObject({ account_id: id.optional(), after_webhook_id: id.optional(), limit: limit.default(100) })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const accountId = reachedAccount(ctx.principal, input.account_id);
      const asked = { accountId, afterEndpointId: input.after_webhook_id ?? 0n, limit: input.limit };
      const page = await ctx.gateway.jobs.listWebhookEndpoints(asked, callOptions(ctx));
      return { webhooks: page.endpoints.map(webhookOut), has_more: page.hasMore };
    }),

  /** Changes what is given; `events` is replaced as a whole. What waits for one that is switched off is dead from then on. */
  update: adminWrite
    .input(
      z.strictObject({
        webhook_id: id,
        url: url.optional(),
        events: events.optional(),
        description: description.optional(),
        enabled: z.boolean().optional(),
      }),
    )
    .mutation(async ({ ctx, input }) => {
      const updated = await ctx.gateway.jobs.updateWebhookEndpoint(
        {
          ...named(ctx, input.webhook_id),
          ...(input.url === undefined ? {} : { url: input.url }),
          ...(input.events === undefined ? {} : { events: input.events, setEvents: true }),
          ...(input.description === undefined ? {} : { description: input.description }),
          ...(input.enabled === undefined ? {} : { enabled: input.enabled }),
        },
        callOptions(ctx),
      );
      return webhookOut(present(updated.endpoint));
    }),

  /** Gives a webhook a new secret; the old one signs beside it for a day. */
  rotate: adminWrite.input(z.strictObject({ webhook_id: id })).mutation(async ({ ctx, input }) => {
    const rotated = await ctx.gateway.jobs.rotateWebhookSecret(named(ctx, input.webhook_id), callOptions(ctx));
    return { ...webhookOut(present(rotated.endpoint)), secret: rotated.secret };
  }),

  /** Gives the callback URLs of an account's requests a new secret; one that there was signs beside it for a day. */
  rotateCallbacks: adminWrite
    .input(z.strictObject({ account_id: id.optional() }).prefault({}))
    .mutation(async ({ ctx, input }) => {
      const accountId = await existing(ctx, input.account_id);
      const rotated = await ctx.gateway.jobs.rotateWebhookSecret({ endpointId: 0n, accountId }, callOptions(ctx));
      return { ...webhookOut(present(rotated.endpoint)), secret: rotated.secret };
    }),

  /** Removes a webhook with its deliveries; a repeat is fine. */
  delete: adminWrite.input(z.strictObject({ webhook_id: id })).mutation(async ({ ctx, input }) => {
    await ctx.gateway.jobs.deleteWebhookEndpoint(named(ctx, input.webhook_id), callOptions(ctx));
    return { deleted: true };
  }),

  /** Sends an event of the type `webhook.test`. */
  test: adminWrite.input(z.strictObject({ webhook_id: id })).mutation(async ({ ctx, input }) => {
    const sent = await ctx.gateway.jobs.sendTestEvent(named(ctx, input.webhook_id), callOptions(ctx));
    return deliveryOut(present(sent.delivery), ctx.gateway.config.idStyle);
  }),

  /** Lists deliveries, newest first. */
  deliveries: adminRead
    .input(
      z
        .strictObject({
          account_id: id.optional(),
          webhook_id: id.optional(),
          state: z.enum(["pending", "delivered", "dead"]).optional(),
          request_id: requestId.optional(),
          before_delivery_id: id.optional(),
          limit: limit.default(50),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const page = await ctx.gateway.jobs.listDeliveries(
        {
          accountId: reachedAccount(ctx.principal, input.account_id),
          endpointId: input.webhook_id ?? 0n,
          state: input.state === undefined ? DeliveryState.UNSPECIFIED : states[input.state],
          requestId: input.request_id ?? 0n,
          beforeDeliveryId: input.before_delivery_id ?? 0n,
          limit: input.limit,
        },
        callOptions(ctx),
      );
      const { idStyle } = ctx.gateway.config;
      return { deliveries: page.deliveries.map((one) => deliveryOut(one, idStyle)), has_more: page.hasMore };
    }),

  /** Sends a delivery again that has ended, from the start of its schedule. */
  resend: adminWrite.input(z.strictObject({ delivery_id: id })).mutation(async ({ ctx, input }) => {
    const resent = await ctx.gateway.jobs.resendDelivery(
      { deliveryId: input.delivery_id, accountId: reachedAccount(ctx.principal) },
      callOptions(ctx),
    );
    return deliveryOut(present(resent.delivery), ctx.gateway.config.idStyle);
  }),
});
