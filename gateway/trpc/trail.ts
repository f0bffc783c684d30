import { z } from "zod";
import { formatRequestId } from "../../shared/request-id.ts";
import { isoMicroseconds } from "../view/history-item.ts";
import { id, limit } from "./input.ts";
import { callOptions, platformRead, router } from "./procedures.ts";

/** The trail of administration: who asked for which change, from where, and what became of it. */
export const trail = router({
  /** Events, newest first. Each change has two: that it was asked for, with its values, and its outcome. */
  list: platformRead
    .input(
      z
        .strictObject({
          before_event_id: id.optional(),
          limit: limit.default(100),
          procedure: z.string().max(100).default(""),
          actor_key_id: id.optional(),
          target: z.string().max(200).default(""),
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
        },
        callOptions(ctx),
      );
      const { idStyle } = ctx.gateway.config;
      return {
        events: page.events.map((event) => ({
          event_id: event.eventId.toString(),
          time: isoMicroseconds(event.createdUnixUs),
          request_id: formatRequestId(event.requestId, idStyle),
          call: event.call,
          procedure: event.procedure,
          actor: event.actor,
          actor_key_id: event.actorKeyId.toString(),
          actor_account_id: event.actorAccountId.toString(),
          address: event.address,
          target: event.target || null,
          values: event.valuesJson === "" ? null : (JSON.parse(event.valuesJson) as unknown),
          outcome: event.outcome || null,
        })),
        has_more: page.hasMore,
      };
    }),
});
