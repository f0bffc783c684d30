import { z } from "zod";
import {
  UsageBy,
  type UsageRest,
  UsageStep,
  type UsageSum,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { mapInPieces } from "../../shared/pace.ts";
import { reachedAccount } from "../reach.ts";
import { iso } from "../view/payer.ts";
import { direction, id, limit, text, time } from "./input.ts";
import { usageOut } from "./output.ts";
import { adminRead, callOptions, ownRead, router } from "./procedures.ts";
import { filter, filterOf, ownerOfFilter } from "./request-filter.ts";
import { seriesCursor, toSeriesCursor } from "./series-cursor.ts";

const usageBy = {
  day: UsageBy.DAY,
  key: UsageBy.KEY,
  model: UsageBy.MODEL,
  group: UsageBy.GROUP,
  module: UsageBy.MODULE,
  account: UsageBy.ACCOUNT,
  channel: UsageBy.CHANNEL,
  user: UsageBy.USER,
  tag: UsageBy.TAG,
} as const;
const ways = ["day", "key", "model", "group", "module", "account", "channel", "user", "tag"] as const;
const sumSteps = { hour: UsageStep.HOUR, day: UsageStep.DAY, month: UsageStep.MONTH } as const;
const steps = { minute: TimeStep.MINUTE, hour: TimeStep.HOUR, day: TimeStep.DAY } as const;
/** Time that sums over a long range may take. */
const sumTimeoutMs = 60_000;

/** The services check it too, and would name their own fields. */
const aSpan = [
  ({ from, to }: { readonly from: bigint; readonly to: bigint }) => to > from,
  { path: ["to"], error: "must be after from" },
] satisfies Parameters<z.ZodType<{ from: bigint; to: bigint }>["refine"]>;

/** A sum; where no request has a list price, what the list says is not known. */
function sumOut(sum: UsageSum) {
  const listed = sum.listedRequests > 0n;
  return {
    name: sum.name,
    /** What people call the key or the account; null: the name says it. */
    title: sum.title || null,
    /** True: the sum of all end users or tags beyond those that are told apart. */
    other: sum.other,
    /** When its stretch of time begins; null: it is the whole time. */
    time: sum.atUnixMs === 0n ? null : iso(sum.atUnixMs),
    requests: Number(sum.requests),
    charged_usd: formatUsd(sum.chargedNanoUsd),
    /** What those requests whose list price is known cost by the vendors' lists. */
    list_price_usd: listed ? formatUsd(sum.listPriceNanoUsd) : null,
    listed_requests: Number(sum.listedRequests),
    /** What was charged for these, less their list price. */
    margin_usd: listed ? formatUsd(sum.listedChargedNanoUsd - sum.listPriceNanoUsd) : null,
    usage: usageOut(sum.usage),
  };
}

const restOut = ({ names, requests, chargedNanoUsd }: UsageRest) => ({
  names: Number(names),
  requests: Number(requests),
  charged_usd: formatUsd(chargedNanoUsd),
});

/** What was used. */
export const usage = router({
  /**
   * What was charged, from the ledger, beside what it costs by the vendors' lists. By tag a request counts in the sum of each of its
   * tags. An answer is a page of names, those with the largest charge over the whole time first, each with all of its sums; it ends
   * earlier than `limit` says where it would have more than 1,500 sums.
   */
  sum: adminRead
    .input(
      z
        .strictObject({
          account_id: id.optional(),
          from: time,
          to: time,
          by: z.enum(ways).default("day"),
          /** A sum for each hour, day or month; absent: of the whole time. */
          step: z.enum(["hour", "day", "month"]).optional(),
          /** Names of a page; absent: 1,000. Not by day, of which all are in one answer. */
          limit: limit.optional(),
          /** `next_cursor` of the page before. */
          cursor: text.max(4_000).default(""),
          direction,
        })
        .refine(...aSpan),
    )
    .query(async ({ ctx, input }) => {
      const { sums, nextCursor, rest } = await ctx.gateway.billing.sumUsage(
        {
          accountId: reachedAccount(ctx.principal, input.account_id),
          // To billing time begins in 1970, and so do its entries.
          fromUnixMs: input.from > 0n ? input.from : 0n,
          toUnixMs: input.to > 0n ? input.to : 1n,
          by: usageBy[input.by],
          step: input.step === undefined ? UsageStep.UNSPECIFIED : sumSteps[input.step],
          limit: input.limit ?? 0,
          cursor: input.cursor,
        },
        callOptions(ctx, sumTimeoutMs),
      );
      return {
        sums: await mapInPieces(sums, ctx.gateway.pacing.pace(), sumOut),
        next_cursor: nextCursor || null,
        /** What all names after the page come to; null: there are none. */
        rest: rest === undefined ? null : restOut(rest),
      };
    }),

  /**
   * Requests, errors, tokens, cost and latency over time, from the records of requests that have ended, by their arrival. By tag a
   * request counts with each of its tags. An answer by or of end users, tags and users, or by the minute, may be a page; `next_cursor` goes on
   * behind it. By end user or tag it may end within a step: each of its points comes whole, and once.
   */
  timeseries: ownRead
    .input(
      z
        .strictObject({
          from: time,
          to: time,
          step: z.enum(["minute", "hour", "day"]).default("hour"),
          group_by: z.enum(["model", "channel", "key", "status", "module", "user", "tag"]).optional(),
          /** `next_cursor` of the page before. */
          cursor: seriesCursor.optional(),
          direction,
          filter: filter.omit({ from: true, to: true, id_text: true }).prefault({}),
        })
        .refine(...aSpan)
        .refine(({ from, to, cursor = { from } }) => cursor.from >= from && cursor.from < to, {
          path: ["cursor"],
          error: "must be the next_cursor of a page of this time",
        })
        .refine(({ group_by, cursor }) => cursor?.after === undefined || group_by === "user" || group_by === "tag", {
          path: ["cursor"],
          error: "must be the next_cursor of a page of the same group_by",
        }),
    )
    .query(async ({ ctx, input }) => {
      const { points, ...next } = await ctx.gateway.history.getTimeseries(
        {
          owner: await ownerOfFilter(ctx, input.filter),
          filter: filterOf({ ...input.filter, from: input.cursor?.from ?? input.from, to: input.to }),
          step: steps[input.step],
          groupBy: input.group_by ?? "",
          ...(input.cursor?.after === undefined ? {} : { after: input.cursor.after }),
        },
        callOptions(ctx, sumTimeoutMs),
      );
      return {
        points: await mapInPieces(points, ctx.gateway.pacing.pace(), (point) => ({
          time: iso(point.atUnixMs),
          /** Null: not grouped, or without a model, end user or tag. */
          group: point.group || null,
          /** True: all end users or tags beyond those that are told apart. */
          other: point.other,
          requests: Number(point.requests),
          errors: Number(point.errors),
          input_tokens: Number(point.inputTokens),
          output_tokens: Number(point.outputTokens),
          billed_usd: formatUsd(point.billedNanoUsd),
          p50_ms: Number(point.p50Ms),
          p99_ms: Number(point.p99Ms),
        })),
        /** null: this is the last page. */
        next_cursor: toSeriesCursor(next),
      };
    }),
});
