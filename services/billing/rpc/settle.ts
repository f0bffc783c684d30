import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  SettleCase,
  type SettleItem,
  type SettlementSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { PricingSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import { type BillableUsage, noUsage, quantitiesOf } from "../../../shared/money/usage.ts";
import type { LaneCall } from "../../../shared/rpc/types.ts";
import { endCall } from "../../../shared/telemetry/index.ts";
import type { BillingContext } from "../context.ts";
import { type NewSettlement, type Settled, settleAll } from "../db/settle.ts";
import { maxChargeNanoUsd } from "../domain/amounts.ts";
import { ledgerKinds, type SettleCase as SettleCaseName, settleRule } from "../domain/settlement.ts";
import type { Tariff } from "../domain/tariff.ts";
import { waves } from "../domain/waves.ts";
import { invalid } from "../wire/invalid.ts";
import {
  checkedId,
  checkedPricing,
  checkedRequestId,
  checkedText,
  checkedUsage,
  listPriceOf,
  policyNames,
  toTariff,
} from "../wire/values.ts";
import { inHalves } from "./batches.ts";

type Answer = MessageInitShape<typeof SettlementSchema> | ThroughlineError;

const caseNames: Readonly<Record<SettleCase, SettleCaseName | undefined>> = {
  [SettleCase.UNSPECIFIED]: undefined,
  [SettleCase.SUCCEEDED]: "succeeded",
  [SettleCase.FAILED]: "failed",
  [SettleCase.BROKEN]: "broken",
  [SettleCase.DISCONNECTED]: "disconnected",
};

/** An item that was checked. */
interface Checked {
  readonly index: number;
  readonly settlement: NewSettlement;
  readonly tariff: Tariff | undefined;
}

const nothing = { ...noUsage, estimated: false };

const noPricing = create(PricingSchema);

/**
 * Ends reservations by the written policy: one ledger statement for the batch.
 *
 * @param onSettled told of the accounts whose credit and slots came back.
 */
export function settle(context: BillingContext, onSettled: (accountIds: readonly bigint[]) => void) {
  const { config, db, log, metrics, spans, tariffs } = context;

  async function settleWave(wave: readonly Checked[], answers: Answer[]): Promise<void> {
    const outcomes = await inHalves(
      wave,
      async (part) => {
        const tariffIds = await tariffs.idsOf(part.map(({ tariff }) => tariff));
        const items = part.map(({ settlement }, i) => ({ ...settlement, tariffId: tariffIds[i] ?? null }));
        return settleAll(db, items, config.reservationTtlMs);
      },
      (error, size) => log.error({ err: error, size }, "Settle failed for a batch"),
    );
    for (const [i, checked] of wave.entries()) {
      const outcome = outcomes[i];
      if (outcome !== undefined) answers[checked.index] = toAnswer(outcome);
      if (outcome === undefined || outcome instanceof ThroughlineError || outcome.outcome !== "now") continue;
      metrics.reservation(checked.settlement.kind === ledgerKinds.charge ? "settled" : "released");
      if (outcome.billed > 0n) metrics.charged(checked.tariff?.module ?? "", outcome.billed);
    }
    onSettled(wave.map(({ settlement }) => settlement.accountId));
  }

  return async (calls: readonly LaneCall<SettleItem>[]): Promise<Answer[]> => {
    const open = calls.map(({ item, requestId, traceparent }) =>
      spans.settle({ requestId, traceparent, batchSize: calls.length }, item.accountId),
    );
    const answers = new Array<Answer>(calls.length);
    const checked: Checked[] = [];
    for (const [index, call] of calls.entries()) {
      try {
        checked.push(check(index, call));
      } catch (error) {
        answers[index] = ThroughlineError.from(error);
      }
    }
    await spans.during(calls, open, async () => {
      for (const wave of waves(checked, ({ settlement }) => [settlement.requestId.toString()])) {
        await settleWave(wave, answers);
      }
    });
    for (const [i, answer] of answers.entries()) {
      const span = open[i];
      if (span === undefined) continue;
      if (answer instanceof ThroughlineError) {
        endCall(span, answer.code);
      } else {
        const { reservedNanoUsd = 0n, billedNanoUsd = 0n, reason = "" } = answer;
        spans.settled(span, { reservedNanoUsd, billedNanoUsd, reason });
      }
    }
    return answers;
  };
}

function check(index: number, { item, requestId }: LaneCall<SettleItem>): Checked {
  const ending = caseNames[item.case];
  if (ending === undefined) throw invalid("case", "must be one of the ways in which a request ends");
  const rule = settleRule(ending, policyNames[item.policy] ?? "charge_delivered");
  const usage = item.usage === undefined ? nothing : checkedUsage(item.usage, "usage");
  if (rule.charges && item.usage === undefined) throw invalid("usage", "must be given to charge a request");
  if (rule.charges && item.pricing === undefined) throw invalid("pricing", "must be given to charge a request");
  if (rule.charges && item.facts === undefined) throw invalid("facts", "must be given to charge a request");
  const pricing = item.pricing === undefined ? undefined : checkedPricing(item.pricing);
  const charge = rule.charges && pricing !== undefined ? costNanoUsd(usage, pricing) : 0n;
  if (charge > maxChargeNanoUsd) throw invalid("usage", "costs more than ten million dollars at these prices");
  const listPrice = rule.charges || consumes(usage) ? listPriceOf(usage, pricing) : undefined;
  if ((listPrice ?? 0n) > maxChargeNanoUsd) {
    throw invalid("usage", "costs more than ten million dollars by the vendor's list");
  }
  const { facts } = item;
  return {
    index,
    settlement: {
      requestId: checkedRequestId(requestId),
      accountId: checkedId(item.accountId, "account_id"),
      kind: rule.charges ? ledgerKinds.charge : ledgerKinds.release,
      charge,
      tariffId: null,
      keyId: facts?.keyId ?? 0n,
      userId: checkedText(facts?.userId ?? "", "facts.user_id"),
      reason: rule.reason,
      errorCode: checkedText(facts?.errorCode ?? "", "facts.error_code"),
      usage,
      listPrice,
      endUser: checkedText(facts?.endUser ?? "", "facts.end_user"),
      tags: checkedTags(facts?.tags ?? []),
    },
    tariff: toSettledTariff(item),
  };
}

/** Whether anything was used, whether or not it is charged. */
function consumes(usage: BillableUsage): boolean {
  return quantitiesOf(usage).length > 0;
}

/** As many tags as a request may have: each is in sums of its own. */
const maxTags = 10;

function checkedTags(tags: readonly string[]): readonly string[] {
  if (tags.length > maxTags || new Set(tags).size < tags.length) {
    throw invalid("facts.tags", `must be at most ${maxTags} different ones`);
  }
  return tags.map((tag) => checkedText(tag, "facts.tags"));
}

/** The candidate that served the request, with its prices; undefined leaves the reservation's tariff in place. */
function toSettledTariff({ facts, pricing }: SettleItem): Tariff | undefined {
  if (facts === undefined) return undefined;
  const work = {
    module: moduleNameOf(facts.module),
    model: checkedText(facts.model, "facts.model"),
    dialect: checkedText(facts.dialect, "facts.dialect"),
    group: checkedText(facts.group, "facts.group"),
    channel: checkedText(facts.channel, "facts.channel"),
    platform: checkedText(facts.platform, "facts.platform"),
  };
  return toTariff(pricing ?? noPricing, work);
}

function toAnswer(outcome: Settled | ThroughlineError): Answer {
  if (outcome instanceof ThroughlineError) return outcome;
  if (outcome.outcome === "other_key") return invalid("facts.key_id", "is not a key of the account");
  if (outcome.outcome === "other_account")
    return invalid("account_id", "is not the account that this request belongs to");
  return {
    reservedNanoUsd: outcome.reserved,
    billedNanoUsd: outcome.billed,
    ...(outcome.listPrice === undefined ? {} : { listPriceNanoUsd: outcome.listPrice }),
    reason: outcome.reason,
    repeatedCall: outcome.outcome === "before",
  };
}
