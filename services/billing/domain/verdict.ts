import { ThroughlineError } from "../../../shared/errors/error.ts";
import { formatUsd } from "../../../shared/money/usd.ts";
import { type BudgetPeriod, renewsAtMs } from "./periods.ts";

/** What `billing.reserve_each` decides of one item, by its numbers. Everything from 10 on is a refusal. */
export const verdicts = {
  reserved: 0,
  repeated: 1,
  replay: 2,
  unknownKey: 10,
  revokedKey: 11,
  expiredKey: 12,
  suspendedAccount: 13,
  administrationKey: 14,
  missingScope: 15,
  modelNotAllowed: 16,
  rotatedSecret: 17,
  ended: 20,
  idempotencyRunning: 21,
  idempotencyMismatch: 22,
  balance: 30,
  keyDay: 31,
  keyMonth: 32,
  accountDay: 33,
  accountMonth: 34,
  keyConcurrency: 35,
  accountConcurrency: 36,
  keyJobs: 37,
  accountJobs: 38,
} as const;

/** What a refusal is explained with. */
export interface RefusedItem {
  /** Nano-USD that the request would have held. */
  readonly amount: bigint;
  /** Module name. */
  readonly module: string;
  /** Configured public model name. */
  readonly model: string;
  /** True: only what other requests hold stands in its way. */
  readonly held: boolean;
}

/** When to try again where other requests hold what is missing: they end any moment, and a minute at the latest. */
const heldRetryMs = 1_000;

/**
 * The error for a refusal; its message tells the client what to do.
 *
 * @param detail what the database adds: credit that is left, or the limit that was reached.
 */
export function refusal(code: number, detail: bigint, item: RefusedItem, nowMs: number): ThroughlineError {
  switch (code) {
    case verdicts.unknownKey:
      return keyErrors.unknown();
    case verdicts.revokedKey:
      return keyErrors.revoked();
    case verdicts.rotatedSecret:
      return keyErrors.rotated();
    case verdicts.expiredKey:
      return keyErrors.expired();
    case verdicts.suspendedAccount:
      return keyErrors.suspended();
    case verdicts.administrationKey:
      return new ThroughlineError(
        "permission_denied",
        "This is an administration key; use a key of kind api, server or user for requests to models.",
      );
    case verdicts.missingScope:
      return new ThroughlineError(
        "permission_denied",
        `This key lacks the scope "${item.module}"; use a key that has it, or ask the account's administrator to add it.`,
      );
    case verdicts.modelNotAllowed:
      return new ThroughlineError(
        "permission_denied",
        `This key may not use the model "${item.model}"; use one of its allowed models, or ask the account's administrator to allow it.`,
        { param: "model" },
      );
    case verdicts.ended:
      return new ThroughlineError(
        "idempotency_conflict",
        "A request with this request ID has ended already; send the request again under a new one.",
      );
    case verdicts.idempotencyRunning:
      return new ThroughlineError(
        "idempotency_conflict",
        "The first request with this Idempotency-Key is still running; wait, then repeat the request with the same key.",
      );
    case verdicts.idempotencyMismatch:
      return new ThroughlineError(
        "idempotency_mismatch",
        "This Idempotency-Key was used before with a different request; use a new key for a new request.",
      );
    case verdicts.balance:
      if (item.held) {
        return new ThroughlineError(
          "insufficient_quota",
          `This request may cost up to $${formatUsd(item.amount)}, but of the account's credit only $${formatUsd(detail < 0n ? 0n : detail)} is not held by requests that still run; let one end, then retry, or lower max_tokens.`,
          { httpStatus: 429, retryAfterMs: heldRetryMs },
        );
      }
      return new ThroughlineError(
        "insufficient_quota",
        `This request may cost up to $${formatUsd(item.amount)}, but the account has only $${formatUsd(detail < 0n ? 0n : detail)} of credit left; top up the account or lower max_tokens.`,
      );
    case verdicts.keyDay:
      return spentBudget("key", "day", detail, item, nowMs);
    case verdicts.keyMonth:
      return spentBudget("key", "month", detail, item, nowMs);
    case verdicts.accountDay:
      return spentBudget("account", "day", detail, item, nowMs);
    case verdicts.accountMonth:
      return spentBudget("account", "month", detail, item, nowMs);
    case verdicts.keyConcurrency:
      return tooManyAtOnce("key", detail);
    case verdicts.accountConcurrency:
      return tooManyAtOnce("account", detail);
    case verdicts.keyJobs:
      return tooManyAtOnce("key", detail, "job");
    case verdicts.accountJobs:
      return tooManyAtOnce("account", detail, "job");
    default:
      return ThroughlineError.from(new Error(`billing.reserve_each answered the unknown code ${code}`));
  }
}

/** What is wrong with a key or its account, for Authenticate and Reserve alike. */
export const keyErrors = {
  unknown: () =>
    new ThroughlineError(
      "invalid_api_key",
      "The API key is unknown; check it, and send it as Authorization: Bearer <key> or x-api-key: <key>.",
    ),
  revoked: () => new ThroughlineError("revoked_api_key", "The API key was revoked; create a new key."),
  rotated: () =>
    new ThroughlineError("revoked_api_key", "The API key's secret was replaced by a rotation; use the new secret."),
  expired: () => new ThroughlineError("expired_api_key", "The API key is past its expiry date; create a new key."),
  suspended: () =>
    new ThroughlineError("account_suspended", "The account is suspended; contact the platform's operators."),
} as const;

function spentBudget(
  of: "key" | "account",
  period: BudgetPeriod,
  budget: bigint,
  item: RefusedItem,
  nowMs: number,
): ThroughlineError {
  if (item.held) {
    return new ThroughlineError(
      "insufficient_quota",
      `The ${of}'s budget of $${formatUsd(budget)} a ${period} is held by requests that still run and does not cover this one, which may cost up to $${formatUsd(item.amount)}; let one end, then retry, or lower max_tokens.`,
      { httpStatus: 429, retryAfterMs: heldRetryMs },
    );
  }
  const renewsMs = renewsAtMs(period, nowMs);
  const renews = new Date(renewsMs).toISOString().replace(".000Z", "Z");
  return new ThroughlineError(
    "insufficient_quota",
    `The ${of}'s budget of $${formatUsd(budget)} a ${period} does not cover this request, which may cost up to $${formatUsd(item.amount)}; wait until it renews at ${renews}, lower max_tokens, or raise the budget.`,
    { httpStatus: 429, retryAfterMs: renewsMs - nowMs },
  );
}

function tooManyAtOnce(of: "key" | "account", limit: bigint, what: "request" | "job" = "request"): ThroughlineError {
  return new ThroughlineError(
    "concurrent_limit_exceeded",
    `The ${of} may run ${limit} ${limit === 1n ? what : `${what}s`} at once and does; let one end, then retry.`,
  );
}
