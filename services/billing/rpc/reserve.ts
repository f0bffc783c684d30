import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ReservationSchema, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { dearestCostNanoUsd } from "../../../shared/money/cost.ts";
import type { LaneCall } from "../../../shared/rpc/types.ts";
import { endCall, type Span } from "../../../shared/telemetry/index.ts";
import type { BillingContext } from "../context.ts";
import type { NewReservation } from "../db/reserve.ts";
import { maxNanoUsd } from "../domain/amounts.ts";
import { tokensOf } from "../domain/vectors.ts";
import { refusal, verdicts } from "../domain/verdict.ts";
import { waves } from "../domain/waves.ts";
import type { RateVerdict } from "../limits/rate-limits.ts";
import { invalid } from "../wire/invalid.ts";
import {
  checkedGeneration,
  checkedId,
  checkedPricing,
  checkedRequestId,
  checkedText,
  checkedUsage,
  toTariff,
} from "../wire/values.ts";
import { type Asked, type JudgeOne, judge, type Outcome, sharedKeys } from "./judge.ts";
import { isHeld, type SecondLook } from "./second-look.ts";

type Answer = MessageInitShape<typeof ReservationSchema> | ThroughlineError;

/** An item that was checked. */
interface Checked extends Asked {
  readonly index: number;
  /** Tokens that the request may consume, for the limit of tokens a minute. */
  readonly tokens: bigint;
  /** When its caller stops waiting, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

/** Judges what cannot be judged with its batch. */
export interface ReserveParts {
  /** Judges what comes later than its batch. */
  readonly judgeOne: JudgeOne;
  readonly secondLook: SecondLook;
}

/**
 * Holds the worst-case cost of each request: rate limits first, then all else with authority in one statement. Who waits
 * for a counter in Valkey, or for what others hold, is answered later than the batch and keeps nobody else waiting.
 */
export function reserve(context: BillingContext, parts: ReserveParts) {
  const { spans, metrics } = context;

  return async (calls: readonly LaneCall<ReserveItem>[]): Promise<(Answer | Promise<Answer>)[]> => {
    const open = calls.map((call) => spans.reserve({ ...ids(call), batchSize: calls.length }, call.item));
    const answers = new Array<Answer | Promise<Answer>>(calls.length);
    const checked: Checked[] = [];
    for (const [index, call] of calls.entries()) {
      try {
        checked.push(check(index, call));
      } catch (error) {
        answers[index] = ThroughlineError.from(error);
      }
    }
    await spans.during(calls, open, async () => {
      for (const wave of waves(checked, sharedKeys)) await reserveWave(context, parts, wave, answers);
    });
    let held = 0;
    let refused = 0;
    for (const [i, answer] of answers.entries()) {
      const span = open[i];
      if (span === undefined) continue;
      if (answer instanceof Promise) answers[i] = tellLater(answer, span);
      else if (tell(answer, span)) held += 1;
      else refused += 1;
    }
    if (held > 0) metrics.reservation("held", held);
    if (refused > 0) metrics.reservation("refused", refused);
    return answers;
  };

  /** Ends the span; true: it was held. */
  function tell(answer: Answer, span: Span): boolean {
    if (answer instanceof ThroughlineError) {
      endCall(span, answer.code);
      return false;
    }
    spans.reserved(span, answer.reservedNanoUsd ?? 0n);
    return true;
  }

  async function tellLater(later: Promise<Answer>, span: Span): Promise<Answer> {
    const answer = await later.catch((error: unknown) => ThroughlineError.from(error));
    metrics.reservation(tell(answer, span) ? "held" : "refused");
    return answer;
  }
}

const ids = ({ requestId, traceparent }: LaneCall<unknown>) => ({ requestId, traceparent });

function check(index: number, { item, requestId, deadlineMs }: LaneCall<ReserveItem>): Checked {
  const { pricing, worstCase } = item;
  if (pricing === undefined) throw invalid("pricing", "must be given");
  if (worstCase === undefined) throw invalid("worst_case", "must be given");
  const module = moduleNameOf(item.module);
  if (!module) throw invalid("module", "must be a module");
  const usage = checkedUsage(worstCase, "worst_case");
  const prices = checkedPricing(pricing);
  if (item.amountNanoUsd < 0n) throw invalid("amount_nano_usd", "must not be negative");
  const amount = item.amountNanoUsd > 0n ? item.amountNanoUsd : dearestCostNanoUsd(usage, prices);
  return {
    index,
    tokens: tokensOf(usage),
    deadlineMs,
    reservation: {
      requestId: checkedRequestId(requestId),
      accountId: checkedId(item.accountId, "account_id"),
      keyId: checkedId(item.keyId, "key_id"),
      secretGeneration: checkedGeneration(item.secretGeneration, "secret_generation"),
      // No account can hold as much, so the answer is the same, and it fits the column.
      amount: amount > maxNanoUsd * 4n ? maxNanoUsd * 4n : amount,
      tariffId: null,
      userId: checkedText(item.userId, "user_id"),
      idempotency: checkedIdempotency(item),
      job: item.job,
    },
    tariff: toTariff(pricing, {
      module,
      model: checkedText(item.model, "model"),
      dialect: checkedText(item.dialect, "dialect"),
      group: "",
      channel: "",
      platform: "",
    }),
  };
}

function checkedIdempotency(item: ReserveItem): NewReservation["idempotency"] {
  if (item.idempotencyKey === "") return undefined;
  if (item.idempotencyDigest.length !== 32) throw invalid("idempotency_digest", "must have 32 bytes");
  // A user ID is 1 or more characters without a NUL, so no two owners make the same text.
  const owner = item.userId === "" ? "" : `${item.userId}\0`;
  return {
    keyHash: createHash("sha256").update(owner).update(item.idempotencyKey).digest(),
    digest: item.idempotencyDigest,
  };
}

async function reserveWave(
  context: BillingContext,
  parts: ReserveParts,
  wave: readonly Checked[],
  answers: (Answer | Promise<Answer>)[],
): Promise<void> {
  const rates = await context.rateLimits.take(
    wave.map(({ reservation, tokens }) => ({ keyId: reservation.keyId, accountId: reservation.accountId, tokens })),
  );
  const passed: { checked: Checked; rate: RateVerdict }[] = [];
  for (const [i, checked] of wave.entries()) {
    const rate = rates[i];
    if (rate === undefined) continue;
    if (rate instanceof Promise) answers[checked.index] = reserveLater(context, parts, checked, rate);
    else if (rate.refused !== undefined) answers[checked.index] = rate.refused;
    else passed.push({ checked, rate });
  }
  const outcomes = await judge(
    context,
    passed.map(({ checked }) => checked),
  );
  for (const [i, { checked, rate }] of passed.entries()) {
    const outcome = outcomes[i];
    if (outcome === undefined) continue;
    answers[checked.index] = isHeld(outcome)
      ? lookAgain(context, parts, checked, outcome, rate)
      : conclude(context, outcome, checked, rate);
  }
}

async function reserveLater(
  context: BillingContext,
  parts: ReserveParts,
  checked: Checked,
  rated: Promise<RateVerdict>,
): Promise<Answer> {
  const rate = await rated;
  if (rate.refused !== undefined) return rate.refused;
  return lookAgain(context, parts, checked, await parts.judgeOne(checked), rate);
}

async function lookAgain(
  context: BillingContext,
  { secondLook }: ReserveParts,
  checked: Checked,
  first: Outcome,
  rate: RateVerdict,
): Promise<Answer> {
  const outcome = isHeld(first) ? await secondLook.wait(checked, first, checked.deadlineMs) : first;
  return conclude(context, outcome, checked, rate);
}

function conclude(context: BillingContext, outcome: Outcome, checked: Checked, rate: RateVerdict): Answer {
  const reserved = !(outcome instanceof ThroughlineError) && outcome.code === verdicts.reserved;
  // A request that holds nothing new takes nothing from the rate limits either.
  if (!reserved) rate.giveBack();
  return outcome instanceof ThroughlineError ? outcome : toAnswer(context, outcome, checked, rate.headers);
}

function toAnswer(
  { metrics, nowMs }: BillingContext,
  outcome: Exclude<Outcome, ThroughlineError>,
  { reservation, tariff }: Checked,
  headers: Readonly<Record<string, string>>,
): Answer {
  switch (outcome.code) {
    case verdicts.reserved:
    case verdicts.repeated:
      return { reservedNanoUsd: outcome.amount, expiresUnixMs: outcome.expiresMs, headers };
    case verdicts.replay:
      metrics.idempotentReplay(tariff.module);
      return { replayRequestId: outcome.detail, headers };
    default:
      return refusal(
        outcome.code,
        outcome.detail,
        { amount: reservation.amount, module: tariff.module, model: tariff.model, held: outcome.held },
        nowMs(),
      );
  }
}
