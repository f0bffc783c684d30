import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { LedgerKind, SettleCase, UsageBy } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { PricingSchema, QuantitySchema, Unit, UsageSchema } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { costNanoUsd } from "../../shared/money/cost.ts";
import type { Prices, Rate } from "../../shared/money/prices.ts";
import type { BillableUsage } from "../../shared/money/usage.ts";
import { type PricePart, partUnits, priceUnits, traits, type UsagePart, units } from "../../shared/units.ts";
import { chargeCosts, listCosts } from "./db/audit-cost.ts";
import type { BillingSchema } from "./db/schema.ts";
import { type NewSettlement, settleAll } from "./db/settle.ts";
import { createTariffs } from "./db/tariffs.ts";
import { foldUsage } from "./db/usage-fold.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  reserve,
  settle,
  standing,
  startReplica,
  type TestBilling,
} from "./testing.ts";

const options = { timeoutMs: 15_000 };
/** The one portion of a ledger that is small. */
const everything = {
  fromAccount: undefined,
  toAccount: undefined,
  fromHour: undefined,
  toHour: undefined,
  occurring: new Set<string>(),
};
let postgres: TestPostgres;
let billing: TestBilling;
let owner: Database<BillingSchema>;

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  owner = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await Promise.all([billing.stop(), owner.close()]);
  await postgres.stop();
});

const tier = (name: string) => ({ aboveInputTokens: 0n, traits: { service_tier: name } });
const long = { aboveInputTokens: 100n, traits: {} };
const pricing = {
  strategy: "units",
  groupRatioPpm: 1_000_000,
  inputNanoUsdPerMtok: 1_000_000n,
  outputNanoUsdPerMtok: 2_000_000n,
  rates: [
    { unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 9_000_000n },
    { unit: Unit.INPUT_TOKENS, nanoUsd: 3_000_000n, when: long },
    { unit: Unit.OUTPUT_TOKENS, nanoUsd: 1_000_000n, when: tier("flex") },
  ],
};
/** 150 input tokens, 50 of them of images, so the input is long: 100 x 3 + 50 x 3 + 10 x 1 + 7 x 9 + 2 searches for nothing. */
const usage = {
  inputTokens: 100n,
  outputTokens: 10n,
  more: [
    { unit: Unit.INPUT_IMAGE_TOKENS, amount: 50n },
    { unit: Unit.OUTPUT_IMAGE_TOKENS, amount: 7n },
    { unit: Unit.SEARCHES, amount: 2n },
  ],
  traits: { service_tier: "flex", size: "1024x1024" },
};
const cost = 523n;

const entriesOf = async (requestId: bigint) =>
  (await billing.client.listLedger({ entryId: requestId }, options)).entries;

describe("a usage of further units", () => {
  let payer: Payer;
  beforeAll(async () => {
    payer = await createPayer(billing.client, { creditNanoUsd: 1_000_000n });
  });

  test("is charged at its rates, and the ledger says all of it", async () => {
    const requestId = nextRequestId();
    await reserve(billing.client, payer, 0n, requestId, { pricing, worstCase: usage });
    const settled = await settle(billing.client, payer, 0n, requestId, { pricing, usage });
    expect(settled).toMatchObject({ billedNanoUsd: cost, reason: "usage" });
    const [entry] = await entriesOf(requestId);
    expect(entry?.usage).toEqual(create(UsageSchema, usage));
    const { rates, ...plain } = create(PricingSchema, pricing);
    expect(entry?.pricing).toMatchObject(plain);
    expect(entry?.pricing?.rates).toHaveLength(rates.length);
    expect(entry?.pricing?.rates).toEqual(expect.arrayContaining(rates));
  });

  test("that comes late, after the sweeper, is entered as whole as any other", async () => {
    await using quick = await startReplica(postgres.url, { reservationTtlMs: 1, sweepIntervalMs: 10 });
    const requestId = nextRequestId();
    await reserve(quick.client, payer, 0n, requestId, { pricing, worstCase: usage });
    await expect.poll(async () => (await entriesOf(requestId)).length).toBe(1);
    const settled = await settle(billing.client, payer, 0n, requestId, { pricing, usage });
    expect(settled).toMatchObject({ billedNanoUsd: cost, reason: "late" });
    const late = (await entriesOf(requestId)).find(({ kind }) => kind === LedgerKind.CHARGE);
    expect(late?.usage).toEqual(create(UsageSchema, usage));
  });

  test("holds what it costs at most, whatever its tier and however long its input turn out", async () => {
    const held = async (worstCase: object) =>
      (await reserve(billing.client, payer, 0n, nextRequestId(), { pricing, worstCase })).reservedNanoUsd;
    expect(await held({ inputTokens: 100n, outputTokens: 10n })).toBe(120n);
    expect(await held({ inputTokens: 101n, outputTokens: 10n })).toBe(323n);
    expect(await held({ inputTokens: 101n, outputTokens: 10n, traits: { service_tier: "flex" } })).toBe(313n);
  });

  test("is refused before anything is entered where it cannot be", async () => {
    const requestId = nextRequestId();
    await reserve(billing.client, payer, 0n, requestId, { pricing, worstCase: usage });
    const twice = { ...usage, more: [...usage.more, ...usage.more] };
    expect(await codeOf(settle(billing.client, payer, 0n, requestId, { pricing, usage: twice }))).toBe("invalid_value");
    const endless = { ...pricing, rates: Array.from({ length: 257 }, () => pricing.rates[0] ?? {}) };
    expect(await codeOf(settle(billing.client, payer, 0n, requestId, { pricing: endless, usage }))).toBe(
      "invalid_value",
    );
    const failed = { case: SettleCase.FAILED, pricing: endless, usage };
    expect(await codeOf(settle(billing.client, payer, 0n, requestId, failed))).toBe("invalid_value");
    expect(await entriesOf(requestId)).toEqual([]);
    expect(await settle(billing.client, payer, 0n, requestId, { pricing, usage })).toMatchObject({
      billedNanoUsd: cost,
    });
  });

  test("at the same rates in another order has the same tariff; a chat at plain prices keeps nothing of units", async () => {
    const ids = [nextRequestId(), nextRequestId(), nextRequestId()] as const;
    const turned = { ...pricing, rates: pricing.rates.toReversed() };
    await settle(billing.client, payer, 0n, ids[0], { pricing, usage });
    await settle(billing.client, payer, 0n, ids[1], { pricing: turned, usage });
    await settle(billing.client, payer, 5n, ids[2]);
    const { rows } = await sql<{ tariff_id: number; more: unknown; traits: unknown; rates: unknown }>`
      select l.tariff_id, l.more, l.traits, t.rates from billing.ledger l join billing.tariff t using (tariff_id)
      where entry_id = any (${[...ids]}::bigint[]) order by entry_id`.execute(owner.kysely);
    expect(rows[0]?.tariff_id).toBe(rows[1]?.tariff_id);
    expect(rows[0]).toMatchObject({ more: { output_image_tokens: 7 }, traits: { size: "1024x1024" } });
    expect(rows[2]).toMatchObject({ more: null, traits: null, rates: null });
    expect(await standing(billing.client, payer.accountId)).toMatchObject({ balance: expect.any(BigInt) });
  });

  test("is in the sums, before it is folded and after, and a sum that is wrong is found", async () => {
    const own = await createPayer(billing.client);
    for (const amount of [10n ** 15n, 3n]) {
      const more = [{ unit: Unit.SEARCHES, amount }];
      await settle(billing.client, own, 0n, nextRequestId(), { pricing, usage: { ...usage, more } });
    }
    const now = BigInt(Date.now());
    const span = { accountId: own.accountId, fromUnixMs: now - 86_400_000n, toUnixMs: now + 60_000n };
    const summed = async (by: UsageBy) =>
      (await billing.client.sumUsage({ ...span, by }, options)).sums.map((sum) => sum.usage?.more);
    const expected = [[create(QuantitySchema, { unit: Unit.SEARCHES, amount: 10n ** 15n + 3n })]];
    expect(await summed(UsageBy.MODEL)).toEqual(expected);
    while (await foldUsage(owner, 5_000));
    for (const by of [UsageBy.MODEL, UsageBy.KEY, UsageBy.GROUP]) expect(await summed(by)).toEqual(expected);
    const wrongSums = async () =>
      (await auditLines(billing.client)).filter((line) => line.startsWith("the sums of usage"));
    expect(await wrongSums()).toEqual([]);
    const change = (text: string) =>
      sql`update billing.usage_sum set more = ${text}::jsonb where account_id = ${own.accountId} and more is not null`.execute(
        owner.kysely,
      );
    await change('{"searches": 1000000000000004}');
    expect(await wrongSums()).not.toEqual([]);
    await change('{"searches": 1000000000000003}');
    expect(await wrongSums()).toEqual([]);
  });

  test("is sound by the audit, and a charge that is a nano-dollar off is found, whatever it is of", async () => {
    expect(await auditLines(billing.client)).toEqual([]);
    const plant = (more: string, wrong: bigint) =>
      sql`
      insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind, estimated, reason,
        key_id, tariff_id, input_tokens, output_tokens, more, traits)
      select entry_id + ${wrong}::bigint, account_id, seq, amount - ${wrong}::bigint, 0, 0, now(), 1, false, 'usage', key_id, tariff_id,
        input_tokens, output_tokens, ${more}::jsonb, traits
      from billing.ledger where more is not null order by entry_id limit 1`.execute(owner.kysely);
    const right = JSON.stringify({ input_image_tokens: 50, output_image_tokens: 7, searches: 2 });
    await plant(right, 1n);
    // One search more is for nothing; one token of an image more is not.
    await plant(JSON.stringify({ input_image_tokens: 50, output_image_tokens: 8, searches: 3 }), 2n);
    const wrong = (await auditLines(billing.client)).filter((line) => line.includes("usage costs"));
    wrong.sort((a, b) => (a.slice(-30) < b.slice(-30) ? -1 : 1));
    expect(wrong).toHaveLength(2);
    expect(wrong[0]).toMatch(/charged 524, usage costs 523$/);
    expect(wrong[1]).toMatch(/charged 525, usage costs 532$/);
  });
});

describe("the cost of a usage", () => {
  const amount = fc.oneof(fc.constantFrom(0n, 1n, 2n, 100n, 101n), fc.bigInt({ min: 0n, max: 10n ** 15n }));
  const price = fc.oneof(fc.constantFrom(0n, 1n, 333_333n), fc.bigInt({ min: 0n, max: 10n ** 15n }));
  const value = fc.constantFrom("a", "b");
  const anyTraits = fc.dictionary(fc.constantFrom(...traits), value, { maxKeys: 3, noNullPrototype: true });
  const every = fc.constantFrom(...units.map(({ unit }) => unit));
  /** Few units, so that several rates meet in one. */
  const few = fc.constantFrom(Unit.INPUT_TOKENS, Unit.CACHED_INPUT_TOKENS, Unit.IMAGES, Unit.REQUESTS, Unit.AUDIO_MS);
  const anyRate: fc.Arbitrary<Rate> = fc.record({
    unit: fc.oneof(few, every),
    nanoUsd: price,
    when: fc.option(
      fc.record({
        aboveInputTokens: fc.constantFrom(0n, 100n, 1_000n, 10n ** 14n),
        traits: fc.oneof(fc.constant({}), anyTraits),
      }),
      {
        nil: undefined,
      },
    ),
  });
  const further = units
    .filter(({ unit, part }) => part === undefined && unit !== Unit.REQUESTS)
    .map(({ unit }) => unit);
  const anyMore = fc.uniqueArray(fc.record({ unit: fc.constantFrom(...further), amount: amount.map((n) => n + 1n) }), {
    selector: ({ unit }) => unit,
    maxLength: 6,
  });
  const record = <K extends string>(names: readonly K[], of: fc.Arbitrary<bigint>) =>
    fc.record(Object.fromEntries(names.map((name) => [name, of]))) as unknown as fc.Arbitrary<Record<K, bigint>>;
  const anyUsage: fc.Arbitrary<BillableUsage> = fc
    .tuple(
      record<UsagePart>(
        partUnits.map(({ part }) => part),
        amount,
      ),
      anyMore,
      anyTraits,
    )
    .map(([parts, more, known]) => ({ ...parts, more, traits: known }));
  const anyPrices: fc.Arbitrary<Prices> = fc
    .tuple(
      record<PricePart>(
        priceUnits.map((entry) => entry.price),
        price,
      ),
      fc.oneof(fc.array(anyRate, { maxLength: 0 }), fc.array(anyRate, { maxLength: 12 })),
      fc.oneof(fc.constantFrom(0, 1, 1_000_000), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    )
    .map(([plain, rates, groupRatioPpm]) => ({ ...plain, rates, groupRatioPpm }));
  const work = {
    ...{ module: "chat", model: "m", dialect: "", group: "", channel: "", platform: "", strategy: "fold" },
    priceSource: 1,
  };

  test("is in SQL what it is in TypeScript, over all units, rates and conditions", async () => {
    await using own = await testPostgres();
    await using replica = await startReplica(own.url);
    const { accountId, keyId } = await createPayer(replica.client);
    const db = createDatabase<BillingSchema>({
      url: own.url,
      schema: "billing",
      applicationName: "test",
      log: silentLog,
    });
    const tariffs = createTariffs(db);
    // Several usages at each price list, for their traits and lengths of input must not get into each other's way.
    const anyList = fc.oneof(fc.constantFrom("own", undefined), anyPrices);
    const lists = fc.array(fc.tuple(anyPrices, anyList, fc.array(anyUsage, { minLength: 1, maxLength: 6 })), {
      minLength: 8,
      maxLength: 30,
    });
    try {
      await fc.assert(
        fc.asyncProperty(lists, async (list) => {
          const entered = list.flatMap(([prices, of, usages]) =>
            usages.map((one) => ({ requestId: nextRequestId(), prices, of, one })),
          );
          const ids = await tariffs.idsOf(
            entered.map(({ prices, of }) => ({
              ...{ ...work, ...prices },
              list: typeof of === "object" ? { ...work, ...of } : of,
            })),
          );
          const items = entered.map(
            ({ requestId, one }, i): NewSettlement => ({
              ...{
                requestId,
                accountId,
                keyId,
                kind: 1,
                charge: 0n,
                tariffId: ids[i] ?? null,
                userId: "",
                reason: "usage",
              },
              ...{ errorCode: "", usage: { ...one, estimated: false }, listPrice: undefined, endUser: "", tags: [] },
            }),
          );
          await settleAll(db, items, 0);
          const costsOf = async (selects: typeof chargeCosts) => {
            const costs = new Map<bigint, string>();
            for (const select of selects) {
              const { rows } = await sql<{
                entry_id: bigint;
                cost: string;
              }>`select * from (${sql.raw(select(everything))}) c
                where entry_id >= ${items[0]?.requestId}`.execute(db.kysely);
              for (const row of rows) {
                expect(costs.has(row.entry_id)).toBe(false);
                costs.set(row.entry_id, row.cost);
              }
            }
            return [...costs].sort(([a], [b]) => (a < b ? -1 : 1));
          };
          const expected = entered.map(({ requestId, prices, one }) => [requestId, String(costNanoUsd(one, prices))]);
          expect(await costsOf(chargeCosts)).toEqual(expected);
          const expectedByList = entered.flatMap(({ requestId, prices, of, one }) => {
            const at = of === "own" ? { ...prices, groupRatioPpm: 1_000_000 } : of;
            const said = one.more?.find(({ unit }) => unit === Unit.VENDOR_NANO_USD);
            if (at === undefined) return [];
            return [[requestId, String(said?.amount ?? costNanoUsd(one, at))]];
          });
          expect(await costsOf(listCosts)).toEqual(expectedByList);
        }),
        { numRuns: 8, endOnFailure: true },
      );
    } finally {
      await db.close();
    }
  });
});
