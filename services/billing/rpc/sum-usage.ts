import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { sqlStateOf, sqlStates } from "../../../shared/db/index.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type SumUsageRequest,
  type SumUsageResponseSchema,
  UsageBy,
  UsageStep,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { QuantitySchema, type Usage, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { UnaryContext } from "../../../shared/rpc/types.ts";
import { createTurns } from "../../../shared/turns.ts";
import type { BillingContext } from "../context.ts";
import { usageParts } from "../db/columns.ts";
import { reportsAtOnce } from "../db/open.ts";
import { limitStatements, sumUsage as sumLedger } from "../db/usage.ts";
import type { UsageBy as UsageByName } from "../db/usage-groupings.ts";
import type { UsagePage, UsageQuery, UsageSumRow } from "../db/usage-query.ts";
import { mostRows } from "../db/usage-sums.ts";
import type { Span } from "../domain/usage-cover.ts";
import { toQuantities } from "../domain/vectors.ts";
import { invalid } from "../wire/invalid.ts";
import { fromUsageCursor, toUsageCursor } from "../wire/usage-cursor.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

const byNames: Readonly<Record<number, UsageByName | undefined>> = {
  [UsageBy.UNSPECIFIED]: "day",
  [UsageBy.DAY]: "day",
  [UsageBy.KEY]: "key",
  [UsageBy.MODEL]: "model",
  [UsageBy.GROUP]: "group",
  [UsageBy.MODULE]: "module",
  [UsageBy.ACCOUNT]: "account",
  [UsageBy.CHANNEL]: "channel",
  [UsageBy.USER]: "user",
  [UsageBy.TAG]: "tag",
};

const steps: Readonly<Record<number, Span | "none" | undefined>> = {
  [UsageStep.UNSPECIFIED]: "none",
  [UsageStep.HOUR]: "hour",
  [UsageStep.DAY]: "day",
  [UsageStep.MONTH]: "month",
};

/** Names of a page where nothing else is asked for. */
const mostNames = 1_000;

/**
 * Sums of a page of more than one name. A thousand take some 25 ms of CPU, on top of 30 for the statements; a name by the hour for 60 days
 * has 1,441.
 */
const mostSums = 1_500;

/** Sums by the hour are not kept for keys, so those of an hour are made of the ledger. */
const mostKeyHoursMs = 31 * 86_400_000;

/** Latest time that a span may end at: 9999-12-31T23:59:59.999Z. */
const maxUnixMs = 253_402_300_799_999n;

/** Sums what was charged and consumed. */
export function sumUsage({ reports }: BillingContext) {
  const turns = createTurns({
    atOnce: reportsAtOnce,
    atOnceEach: 1,
    waiting: 100,
    waitingEach: 20,
    waitMs: 15_000,
    tooMany: "More sums of this account are asked for at once than it has a share of; send fewer calls at a time.",
    tooBusy: "More sums are asked for than can be made at the moment; try again.",
  });

  return async (
    request: SumUsageRequest,
    { deadlineMs, signal }: UnaryContext,
  ): Promise<MessageInitShape<typeof SumUsageResponseSchema>> => {
    const { fromUnixMs: from, toUnixMs: to } = request;
    const by = byNames[request.by];
    if (by === undefined) throw invalid("by", `must be ${Object.values(byNames).slice(1).join(", ")}`);
    const step = steps[request.step];
    if (step === undefined) throw invalid("step", "must be hour, day or month");
    if (from < 0n || from > maxUnixMs) throw invalid("from_unix_ms", "must be Unix milliseconds");
    if (to <= from || to > maxUnixMs) throw invalid("to_unix_ms", "must be Unix milliseconds after from_unix_ms");
    const accountId = checkedFilterId(request.accountId, "account_id");
    if (by === "key" && step === "hour" && to - from > mostKeyHoursMs) {
      throw invalid("step", "must be day or month for keys over more than 31 days");
    }
    const span = { fromMs: Number(from), toMs: Number(to), step: step === "none" ? undefined : step };
    const page = pageOf(request, by);
    const { rows, rest } = await turns.take(accountId, signal, () =>
      sumWithin(reports, { accountId, by, ...span }, page, deadlineMs),
    );
    if (rows.length > mostRows)
      throw invalid("step", `gives more than ${mostRows} sums: ask for a shorter time or a longer step`);
    return {
      sums: rows.map((row) => ({
        name: row.name,
        requests: row.requests,
        chargedNanoUsd: row.charged,
        usage: toUsage(row),
        title: row.title,
        other: row.other,
        atUnixMs: span.step === undefined ? 0n : BigInt(row.starts) * 3_600_000n,
        listPriceNanoUsd: row.list_price,
        listedRequests: row.listed,
        listedChargedNanoUsd: row.listed_charged,
      })),
      ...(rest === undefined
        ? {}
        : {
            nextCursor: toUsageCursor(rest.last),
            rest: { names: rest.names, requests: rest.requests, chargedNanoUsd: rest.charged },
          }),
    };
  };
}

/** The page that is asked for; by day there is none. */
function pageOf({ limit, cursor }: SumUsageRequest, by: UsageByName): UsagePage {
  if (by === "day" && limit > 0) throw invalid("limit", "must be absent by day");
  if (by === "day" && cursor !== "") throw invalid("cursor", "must be absent by day");
  return { limit: pageLimit(limit === 0 ? mostNames : limit), mostSums, after: fromUsageCursor(cursor) };
}

function toUsage(row: UsageSumRow): Usage {
  const usage = create(UsageSchema, { estimated: row.estimated });
  for (const { part, column } of usageParts) usage[part] = row[column];
  usage.more = toQuantities(row.more).map(({ unit, amount }) =>
    create(QuantitySchema, { unit, amount: amount < maxInt64 ? amount : maxInt64 }),
  );
  return usage;
}

/** Where sums end, as those that have a column. */
const maxInt64 = 2n ** 63n - 1n;

/** Sums in one snapshot and in the time that the caller has: PostgreSQL stops when nobody waits any more, and not before. */
async function sumWithin(reports: BillingContext["reports"], query: UsageQuery, page: UsagePage, deadlineMs: number) {
  const leftMs = Math.max(1, Math.floor(deadlineMs - performance.now()));
  try {
    return await reports.transaction(
      async (trx) => {
        if (Number.isFinite(leftMs)) await limitStatements(trx, leftMs);
        return sumLedger(trx, query, page);
      },
      { isolation: "repeatable read", readOnly: true },
    );
  } catch (error) {
    if (sqlStateOf(error) !== sqlStates.queryCanceled) throw error;
    throw new ThroughlineError("upstream_timeout", "The sum took longer than it may; ask for a shorter time.", {
      cause: error,
    });
  }
}
