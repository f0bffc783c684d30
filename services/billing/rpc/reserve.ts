import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ReservationSchema, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { costNanoUsd } from "../../../shared/money.ts";
import type { LaneCall } from "../../../shared/rpc/types.ts";
import type { BillingContext } from "../context.ts";
import { type NewReservation, type Reserved, reserveAll } from "../db/reserve.ts";
import { maxNanoUsd } from "../domain/amounts.ts";
import type { Tariff } from "../domain/tariff.ts";
import { refusal, verdicts } from "../domain/verdict.ts";
import { waves } from "../domain/waves.ts";
import type { RateVerdict } from "../limits/rate-limits.ts";
import {
  checkedGeneration,
  checkedId,
  checkedPricing,
  checkedRequestId,
  checkedText,
  checkedUsage,
  invalid,
  moduleNames,
  toTariff,
} from "../wire/values.ts";
import { inHalves } from "./batches.ts";

type Answer = MessageInitShape<typeof ReservationSchema> | ThroughlineError;

/** An item that was checked. */
interface Checked {
  readonly index: number;
  readonly reservation: NewReservation;
  readonly tariff: Tariff;
  /** Tokens that the request may consume, for the limit of tokens a minute. */
  readonly tokens: bigint;
}

/** Holds the worst-case cost of each request: rate limits first, then all else with authority in one statement. */
export function reserve(context: BillingContext) {
  const { spans, metrics } = context;
  return async (calls: readonly LaneCall<ReserveItem>[]): Promise<Answer[]> => {
    const open = calls.map((call) => spans.reserve({ ...ids(call), batchSize: calls.length }, call.item));
    const answers = new Array<Answer>(calls.length);
    const checked: Checked[] = [];
    for (const [index, call] of calls.entries()) {
      try {
        checked.push(check(index, call));
      } catch (error) {
        answers[index] = ThroughlineError.from(error);
      }
    }
    for (const wave of waves(checked, sharedKeys)) await reserveWave(context, wave, answers);
    let held = 0;
    for (const [i, answer] of answers.entries()) {
      const span = open[i];
      if (answer instanceof ThroughlineError) {
        span?.fail(answer.code);
        span?.end();
      } else {
        held += 1;
        if (span !== undefined) spans.reserved(span, answer.reservedNanoUsd ?? 0n);
      }
    }
    if (held > 0) metrics.reservation("held", held);
    if (held < calls.length) metrics.reservation("refused", calls.length - held);
    return answers;
  };
}

const ids = ({ requestId, traceparent }: LaneCall<unknown>) => ({ requestId, traceparent });

/** What no two items of one statement may share. */
function sharedKeys({ reservation }: Checked): string[] {
  const { requestId, accountId, idempotency } = reservation;
  const key = requestId.toString();
  if (idempotency === undefined) return [key];
  return [key, `${accountId} ${Buffer.from(idempotency.keyHash).toString("latin1")}`];
}

function check(index: number, { item, requestId }: LaneCall<ReserveItem>): Checked {
  const { pricing, worstCase } = item;
  if (pricing === undefined) throw invalid("pricing", "must be given");
  if (worstCase === undefined) throw invalid("worst_case", "must be given");
  const module = moduleNames[item.module];
  if (!module) throw invalid("module", "must be a module");
  const usage = checkedUsage(worstCase, "worst_case");
  const amount = costNanoUsd(usage, checkedPricing(pricing, "pricing"));
  const tokens =
    usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens + usage.outputTokens + usage.reasoningTokens;
  return {
    index,
    tokens,
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
  return {
    keyHash: createHash("sha256").update(item.idempotencyKey).digest(),
    digest: item.idempotencyDigest,
  };
}

async function reserveWave(context: BillingContext, wave: readonly Checked[], answers: Answer[]): Promise<void> {
  const { config, db, log, rateLimits, tariffs } = context;
  const rates = await rateLimits.take(
    wave.map(({ reservation, tokens }) => ({ keyId: reservation.keyId, accountId: reservation.accountId, tokens })),
  );
  const passed: { checked: Checked; rate: RateVerdict }[] = [];
  for (const [i, checked] of wave.entries()) {
    const rate = rates[i];
    if (rate?.refused !== undefined) answers[checked.index] = rate.refused;
    else if (rate !== undefined) passed.push({ checked, rate });
  }
  const outcomes = await inHalves(
    passed,
    async (part) => {
      const tariffIds = await tariffs.idsOf(part.map(({ checked }) => checked.tariff));
      const items = part.map(({ checked }, i) => ({ ...checked.reservation, tariffId: tariffIds[i] ?? null }));
      return reserveAll(db, items, config.reservationTtlMs);
    },
    (error, size) => log.error({ err: error, size }, "Reserve failed for a batch"),
  );
  for (const [i, { checked, rate }] of passed.entries()) {
    const outcome = outcomes[i];
    if (outcome === undefined) continue;
    const reserved = !(outcome instanceof ThroughlineError) && outcome.code === verdicts.reserved;
    // What held nothing new costs nothing, of the rate limits too.
    if (!reserved) rate.giveBack();
    answers[checked.index] =
      outcome instanceof ThroughlineError ? outcome : toAnswer(context, outcome, checked, rate.headers);
  }
}

function toAnswer(
  { metrics, nowMs }: BillingContext,
  outcome: Reserved,
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
        { amount: reservation.amount, module: tariff.module, model: tariff.model },
        nowMs(),
      );
  }
}
