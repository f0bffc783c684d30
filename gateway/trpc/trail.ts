import { z } from "zod";
import { formatRequestId } from "../../shared/request-id.ts";
import { reachedAccount } from "../reach.ts";
import { isoMicroseconds } from "../view/history-item.ts";
import { id, limit, text, time } from "./input.ts";
import { adminRead, callOptions, router } from "./procedures.ts";

/** The trail of administration: who asked for which change, from where, what was before it, and what became of it. */
export const trail = router({
  /**
   * Events, newest first, of all keys for operators, of its account's own keys for others. Each change has two: that it was asked for, with
   * its values and what was before, and its outcome, with what is after it. A read of contents has one.
   */
  list: adminRead
    .input(
      z
        .strictObject({
          /** Only by keys of this account. */
          account_id: id.optional(),
          before_event_id: id.optional(),
          limit: limit.default(100),
          procedure: text.max(100).default(""),
          actor_key_id: id.optional(),
          target: text.max(200).default(""),
          /** From this time on, and before `to`. */
          from: time.optional(),
          to: time.optional(),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const page = await ctx.gateway.billing.listAdministration(
        {
          beforeEventId: input.before_event_id ?? 0n,
          limit: input.limit,
          procedure: input.procedure,
          actorKeyId: input.actor_key_id ?? 0n,
          target: input.target,
          actorAccountId: reachedAccount(ctx.principal, input.account_id),
          fromUnixMs: bound(input.from),
          toUnixMs: bound(input.to),
        },
        callOptions(ctx),
      );
      const { idStyle } = ctx.gateway.config;
      return {
        events: page.events.map((event) => ({
          event_id: event.eventId.toString(),
          /** Its place in the trail, without a gap, and what chains it to the one before. */
          number: event.number.toString(),
          hash: Buffer.from(event.hash).toString("hex"),
          time: isoMicroseconds(event.createdUnixUs),
          request_id: formatRequestId(event.requestId, idStyle),
          call: event.call,
          procedure: event.procedure,
          actor: event.actor,
          actor_key_id: event.actorKeyId.toString(),
          actor_account_id: event.actorAccountId.toString(),
          address: event.address,
          target: event.target || null,
          values: said(event.valuesJson),
          /** What it is about, without secrets; null: there was, or is, nothing, or this event does not tell. */
          before: said(event.beforeJson),
          after: said(event.afterJson),
          outcome: event.outcome || null,
        })),
        has_more: page.hasMore,
      };
    }),
});

/** To billing 0 and less are no bound; nothing is older than the first millisecond either. */
function bound(ms: bigint | undefined): bigint {
  return ms === undefined ? 0n : ms > 0n ? ms : 1n;
}

function said(json: string): unknown {
  return json === "" ? null : (JSON.parse(json) as unknown);
}
