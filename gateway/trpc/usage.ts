import { z } from "zod";
import { UsageBy } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { formatUsd } from "../../shared/money.ts";
import { mapInPieces } from "../../shared/pace.ts";
import { reachedAccount } from "../reach.ts";
import { iso } from "../view/payer.ts";
import { id, time } from "./input.ts";
import { usageOut } from "./output.ts";
import { adminRead, callOptions, ownRead, router } from "./procedures.ts";
import { filter, filterOf, ownerOfFilter } from "./request-filter.ts";

const usageBy = {
  day: UsageBy.DAY,
  key: UsageBy.KEY,
  model: UsageBy.MODEL,
  group: UsageBy.GROUP,
  module: UsageBy.MODULE,
} as const;
const steps = { minute: TimeStep.MINUTE, hour: TimeStep.HOUR, day: TimeStep.DAY } as const;
/** Time that sums over a long range may take. */
const sumTimeoutMs = 60_000;

/** The services check it too, and would name their own fields. */
const aSpan = [
  ({ from, to }: { readonly from: bigint; readonly to: bigint }) => to > from,
  { path: ["to"], error: "must be after from" },
] satisfies Parameters<z.ZodType<{ from: bigint; to: bigint }>["refine"]>;

/** What was used. */
export const usage = router({
  /** What was charged, from the ledger, by day, key, model, group or module. */
  sum: adminRead
    .input(
      z
        .strictObject({
          account_id: id.optional(),
          from: time,
          to: time,
          by: z.enum(["day", "key", "model", "group", "module"]).default("day"),
        })
        .refine(...aSpan),
    )
    .query(async ({ ctx, input }) => {
      const { sums } = await ctx.gateway.billing.sumUsage(
        {
          accountId: reachedAccount(ctx.principal, input.account_id),
          fromUnixMs: input.from,
          toUnixMs: input.to,
          by: usageBy[input.by],
        },
        callOptions(ctx, sumTimeoutMs),
      );
      return {
        sums: sums.map((sum) => ({
          name: sum.name,
          requests: Number(sum.requests),
          charged_usd: formatUsd(sum.chargedNanoUsd),
          usage: usageOut(sum.usage),
        })),
      };
    }),

  /** Requests, errors, tokens, cost and latency over time, from the records of requests that have ended. */
  timeseries: ownRead
    .input(
      z
        .strictObject({
          from: time,
          to: time,
          step: z.enum(["minute", "hour", "day"]).default("hour"),
          group_by: z.enum(["model", "channel", "key", "status", "module"]).optional(),
          filter: filter.omit({ from: true, to: true, id_text: true }).prefault({}),
        })
        .refine(...aSpan),
    )
    .query(async ({ ctx, input }) => {
      const { points } = await ctx.gateway.history.getTimeseries(
        {
          owner: await ownerOfFilter(ctx, input.filter),
          filter: filterOf({ ...input.filter, from: input.from, to: input.to }),
          step: steps[input.step],
          groupBy: input.group_by ?? "",
        },
        callOptions(ctx, sumTimeoutMs),
      );
      return {
        points: await mapInPieces(points, ctx.gateway.pacing.pace(), (point) => ({
          time: iso(point.atUnixMs),
          group: point.group || null,
          requests: Number(point.requests),
          errors: Number(point.errors),
          input_tokens: Number(point.inputTokens),
          output_tokens: Number(point.outputTokens),
          billed_usd: formatUsd(point.billedNanoUsd),
          p50_ms: Number(point.p50Ms),
          p99_ms: Number(point.p99Ms),
        })),
      };
    }),
});
