import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AccountSchema,
  GetStandingResponseSchema,
  KeySchema,
  LimitsSchema,
  StandingSchema,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { parseUsd } from "../../shared/money/usd.ts";
import { selfOut } from "./self.ts";

const nano = fc.bigInt({ min: 0n, max: 10n ** 15n });
const count = fc.nat({ max: 1_000 });
const limits = fc.record({
  requestsPerMinute: count,
  tokensPerMinute: nano,
  concurrentRequests: count,
  concurrentJobs: count,
  dailyBudgetNanoUsd: nano,
  monthlyBudgetNanoUsd: nano,
});
const used = fc.record({
  daySpentNanoUsd: nano,
  monthSpentNanoUsd: nano,
  reservedNanoUsd: nano,
  openRequests: nano,
  openJobs: nano,
  minuteRequests: nano,
  minuteTokens: nano,
});

/** What is left of a limit; null: there is none. */
const left = (limit: bigint | number, ...taken: bigint[]) => {
  const rest = taken.reduce((sum, part) => sum - part, BigInt(limit));
  return BigInt(limit) === 0n ? null : rest > 0n ? rest : 0n;
};
const nanoOf = (usd: string | null) => (usd === null ? null : parseUsd(usd));
const numberOf = (value: bigint | null) => (value === null ? null : Number(value));

test("what is left of each limit is what Reserve would still let through, and null where there is no limit", () => {
  fc.assert(
    fc.property(limits, used, (most, taken) => {
      const found = create(GetStandingResponseSchema, {
        key: create(KeySchema, { limits: create(LimitsSchema, most) }),
        account: create(AccountSchema, { limits: create(LimitsSchema, most) }),
        keyStanding: create(StandingSchema, taken),
        accountStanding: create(StandingSchema, taken),
      });
      const { key, account } = selfOut(found, { group: "default", operator: false });
      for (const { standing } of [key, account]) {
        expect(nanoOf(standing.daily_budget_left_usd)).toBe(
          left(most.dailyBudgetNanoUsd, taken.daySpentNanoUsd, taken.reservedNanoUsd),
        );
        expect(nanoOf(standing.monthly_budget_left_usd)).toBe(
          left(most.monthlyBudgetNanoUsd, taken.monthSpentNanoUsd, taken.reservedNanoUsd),
        );
        expect(standing.concurrent_requests_left).toBe(numberOf(left(most.concurrentRequests, taken.openRequests)));
        expect(standing.concurrent_jobs_left).toBe(numberOf(left(most.concurrentJobs, taken.openJobs)));
        expect(standing.requests_left_this_minute).toBe(numberOf(left(most.requestsPerMinute, taken.minuteRequests)));
        expect(standing.tokens_left_this_minute).toBe(numberOf(left(most.tokensPerMinute, taken.minuteTokens)));
      }
    }),
    { numRuns: 200 },
  );
});

test("the balance that is available is what lies above the floor and is not held", () => {
  fc.assert(
    fc.property(nano, nano, nano, (balanceNanoUsd, held, floor) => {
      const account = create(AccountSchema, { balanceNanoUsd, reservedNanoUsd: held, creditFloorNanoUsd: -floor });
      const standing = create(StandingSchema, {});
      const found = create(GetStandingResponseSchema, {
        key: create(KeySchema, {}),
        account,
        keyStanding: standing,
        accountStanding: standing,
      });
      const rest = balanceNanoUsd + floor - held;
      expect(parseUsd(selfOut(found, { group: "", operator: false }).account.available_usd)).toBe(
        rest > 0n ? rest : 0n,
      );
    }),
  );
});
