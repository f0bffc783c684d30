import { create } from "@bufbuild/protobuf";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Module,
  PriceSource,
  PricingSchema,
  QuantitySchema,
  RateSchema,
  Unit,
  UsageSchema,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { moduleNames, moduleOf } from "../../shared/modules.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { partUnits, units } from "../../shared/units.ts";
import { recordColumns } from "./db/record-row.ts";
import { sumHours } from "./jobs/maintenance.ts";
import { account, ended, startTestHistory } from "./testing.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 5, 14, 22);
let nowMs = startMs;
let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory({ deps: { nowMs: () => nowMs } });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };
const moreUnits = units.filter(({ part, unit }) => part === undefined && unit !== Unit.REQUESTS);

/** A usage with another amount of every unit. */
function everyUnit() {
  const parts = Object.fromEntries(partUnits.map(({ unit, part }) => [part, BigInt(unit) * 1_000n]));
  const more = moreUnits.map(({ unit }) => create(QuantitySchema, { unit, amount: BigInt(unit) * 1_000n }));
  return create(UsageSchema, { ...parts, more, traits: { service_tier: "flex", size: "1024x1024" } });
}

const prices = create(PricingSchema, {
  strategy: "dear",
  inputNanoUsdPerMtok: 2_500_000_000n,
  imageNanoUsd: 40_000_000n,
  groupRatioPpm: 1_500_000,
  source: PriceSource.TABLE,
  rates: [
    { unit: Unit.INPUT_TOKENS, nanoUsd: 5n, when: { aboveInputTokens: 200_000n, traits: { service_tier: "flex" } } },
    { unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 7n },
  ].map((rate) => create(RateSchema, rate)),
});

test("the table has the columns that rows are written to, and its functions count the tokens of every unit", async () => {
  const { rows } = await sql<{ name: string }>`
    select attname as name from pg_attribute where attrelid = 'history.record'::regclass and attnum > 0`.execute(
    history.context.db.kysely,
  );
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(["stored", ...recordColumns.map(({ name }) => name)]));
  for (const { name, isInput } of moreUnits) {
    const { rows: counts } = await sql<{ input: bigint; output: bigint }>`
      select history.more_input_tokens(${`{"${name}": 7}`}::jsonb) as input,
        history.more_output_tokens(${`{"${name}": 7}`}::jsonb) as output`.execute(history.context.db.kysely);
    const isToken = name.endsWith("_tokens");
    expect(counts, name).toEqual([{ input: isInput ? 7n : 0n, output: isToken && !isInput ? 7n : 0n }]);
  }
});

describe("a record", () => {
  test("reads back whole: every unit, traits, rates and their conditions, in every way to read it", async () => {
    const id = firstIdAt(startMs);
    await history.record(ended(id, { module: Module.IMAGE, usage: everyUnit(), pricing: prices }));
    const { options, client } = history;
    const read = [
      (await client.getRecord({ owner, requestId: id }, options)).record,
      (await client.listRecords({ owner, limit: 10 }, options)).records[0],
      (await client.exportRecords({ owner, limit: 10 }, options)).records[0],
      (await client.queryRecords({ owner, page: 1, pageSize: 10 }, options)).records[0],
    ];
    for (const stored of read) {
      expect(stored?.record?.usage).toEqual(everyUnit());
      expect(stored?.record?.pricing).toEqual(prices);
      expect(stored?.repaired).toBe(false);
    }
  });

  test("of a chat has nothing in the columns of further units, and one price list is one term", async () => {
    const [first, second] = [firstIdAt(startMs + 1), firstIdAt(startMs + 2)];
    const turned = create(PricingSchema, { ...prices, rates: prices.rates.toReversed() });
    await history.record(ended(first, { pricing: prices, usage: create(UsageSchema, { inputTokens: 1n }) }));
    await history.record(ended(second, { pricing: turned, usage: create(UsageSchema, { inputTokens: 1n }) }));
    const { rows } = await sql`select more, traits, shape_id from history.record
      where request_id in (${first}, ${second})`.execute(history.context.db.kysely);
    const [one] = rows as { shape_id: number }[];
    expect(rows).toEqual([one, one]);
    expect(one).toMatchObject({ more: null, traits: null });
  });

  test("of amounts beyond what the contract allows is cut, marked and summed up like others", async () => {
    const id = firstIdAt(startMs + 3);
    const most = (1n << 64n) - 1n;
    const usage = create(UsageSchema, { inputTokens: most, cachedInputTokens: most, outputTokens: most });
    usage.more = everyUnit().more;
    for (const quantity of usage.more) quantity.amount = most;
    await history.record(ended(id, { accountId: 99n, usage, billedNanoUsd: (1n << 63n) - 1n }));
    const { record } = await history.client.getRecord({ owner: { accountId: 99n }, requestId: id }, history.options);
    expect(record?.repaired).toBe(true);
    expect(record?.record?.usage?.more.every(({ amount }) => amount === 10n ** 15n)).toBe(true);
    expect(record?.record?.usage?.inputTokens).toBe(10n ** 15n);
  });
});

describe("every module", () => {
  const ids = moduleNames.flatMap((_, n) => [
    firstIdAt(startMs + hourMs + n * 10),
    firstIdAt(startMs + hourMs + n * 10 + 1),
  ]);
  const of = { accountId: 55n };
  const filter = { fromUnixMs: BigInt(startMs), toUnixMs: BigInt(startMs + 3 * hourMs) };

  test("has its own records under a filter, and its own sums over time", async () => {
    await Promise.all(
      ids.map((id, n) => {
        const name = moduleNames[n >> 1] ?? "";
        // One model for two modules: its sums are told apart all the same.
        const model = n < 4 ? "both" : name;
        return history.record(
          ended(id, { ...of, module: moduleOf(name), model, usage: everyUnit(), billedNanoUsd: BigInt(n) }),
        );
      }),
    );
    const asked = async () => {
      const series = [TimeStep.HOUR, TimeStep.DAY].flatMap((step) =>
        [of, { operator: true }].flatMap((whose) =>
          [{}, ...moduleNames.map((name) => ({ module: moduleOf(name) })), { model: "both" }].map(async (narrow) => {
            const ask = { owner: whose, step, groupBy: "module", filter: { ...filter, ...narrow } };
            return (await history.client.getTimeseries(ask, history.options)).points;
          }),
        ),
      );
      return Promise.all(series);
    };
    for (const name of moduleNames) {
      const list = { owner: of, filter: { module: moduleOf(name) }, limit: 10 };
      const { records } = await history.client.listRecords(list, history.options);
      const own = ids.filter((_, n) => moduleNames[n >> 1] === name);
      expect(records.map(({ record }) => record?.requestId)).toEqual(own.toReversed());
      expect((await history.client.exportRecords(list, history.options)).records).toHaveLength(2);
    }
    const fromRecords = await asked();
    const usage = everyUnit();
    const tokens = (isOf: (unit: (typeof units)[number]) => boolean): bigint =>
      units.filter(isOf).reduce((sum, { unit }) => sum + BigInt(unit) * 1_000n, 0n);
    const input = tokens(({ isInput }) => isInput === true);
    const output = tokens(({ isInput, name }) => !isInput && name.endsWith("_tokens"));
    expect(usage.inputTokens).toBe(1_000n);
    const names = moduleNames.toSorted();
    expect(fromRecords[0]).toMatchObject(
      names.map((group) => ({ group, requests: 2n, inputTokens: 2n * input, outputTokens: 2n * output })),
    );
    expect(fromRecords[moduleNames.length + 1]).toMatchObject(
      names.filter((name) => name === "chat" || name === "embeddings").map((group) => ({ group, requests: 2n })),
    );
    nowMs = startMs + 48 * hourMs;
    await sumHours(history.context);
    // The operator's hours and days are summed up by now; they say the same.
    const { rows } = await sql`select from history.usage_hour where account_id = 0`.execute(history.context.db.kysely);
    expect(rows.length).toBeGreaterThan(0);
    expect(await asked()).toEqual(fromRecords);
  });

  test("gives its custom_response", async () => {
    for (const [n, name] of moduleNames.entries()) {
      const id = firstIdAt(startMs + 2 * hourMs + n);
      const response = Buffer.from(JSON.stringify({ object: "list", data: [{ url: name, index: n }], model: name }));
      const custom = { customResponseExpression: "{urls: data[].url}", response };
      await history.record(ended(id, { ...of, module: moduleOf(name), ...custom }));
      const { record } = await history.client.getRecord({ owner: of, requestId: id }, history.options);
      expect(JSON.parse(record?.customResponseJson ?? "")).toEqual({ urls: [name] });
    }
  });
});
