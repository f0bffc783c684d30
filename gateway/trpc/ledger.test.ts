import { describe, expect, it } from "vitest";
import {
  LedgerKind,
  type ListLedgerRequest,
  type SumUsageRequest,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { startTestGateway } from "../testing.ts";
import { clientOf } from "./testing.ts";

const usage = {
  inputTokens: 50n,
  more: [{ unit: Unit.OUTPUT_IMAGE_TOKENS, amount: 1_056n }],
  traits: { size: "1024x1024" },
};
const pricing = {
  groupRatioPpm: 1_000_000,
  inputNanoUsdPerMtok: 5_000_000_000n,
  rates: [
    { unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 30_000_000_000n },
    { unit: Unit.INPUT_TOKENS, nanoUsd: 10_000_000_000n, when: { aboveInputTokens: 200_000n } },
  ],
};

describe("money over tRPC", () => {
  it("says of an entry what was used of every unit, and at which rates", async () => {
    const entry = { entryId: 5n, kind: LedgerKind.CHARGE, facts: { module: Module.IMAGE, model: "m" }, usage, pricing };
    const topup = { entryId: 6n, kind: LedgerKind.TOPUP };
    await using gateway = await startTestGateway({
      billing: { listLedger: unaryHandler(async (_: ListLedgerRequest) => ({ entries: [entry, topup] })) },
    });
    const { entries } = await clientOf(gateway).ledger.list.query();
    expect(entries).toMatchObject([
      {
        usage: {
          input_tokens: 50,
          output_tokens: 0,
          quantities: { input_tokens: 50, output_image_tokens: 1_056 },
          traits: { size: "1024x1024" },
        },
        rates: [
          { unit: "input_tokens", usd: "5", per: 1_000_000, when: null },
          { unit: "output_image_tokens", usd: "30", per: 1_000_000, when: null },
          { unit: "input_tokens", usd: "10", when: { above_input_tokens: 200_000, traits: {} } },
        ],
      },
      { kind: "topup", usage: null, rates: [] },
    ]);
  });

  it("sums every unit", async () => {
    const spans: string[] = [];
    await using gateway = await startTestGateway({
      billing: {
        sumUsage: unaryHandler(async ({ limit, cursor, fromUnixMs, toUnixMs }: SumUsageRequest) => {
          spans.push(`${fromUnixMs} ${toUnixMs}`);
          return limit === 0
            ? { sums: [{ name: "m", requests: 2n, usage }] }
            : { nextCursor: `${limit}${cursor}`, rest: { names: 7n, requests: 8n, chargedNanoUsd: 2_000_000_000n } };
        }),
      },
    });
    const { sums, ...end } = await clientOf(gateway).usage.sum.query({
      from: "2026-01-01T00:00:00Z",
      to: "2026-02-01T00:00:00Z",
      by: "model",
    });
    expect(sums).toMatchObject([
      { name: "m", requests: 2, usage: { quantities: { input_tokens: 50, output_image_tokens: 1_056 } } },
    ]);
    expect(end).toEqual({ next_cursor: null, rest: null });
    // "All there is" is often said with a date before anything can be.
    spans.length = 0;
    for (const [from, to] of [
      ["0001-01-01T00:00:00Z", "1970-01-01T00:00:01Z"],
      ["0001-01-01T00:00:00Z", "1960-01-01T00:00:00Z"],
    ] as const) {
      await clientOf(gateway).usage.sum.query({ from, to });
    }
    expect(spans).toEqual(["0 1000", "0 1"]);
    const page = {
      from: "2026-01-01T00:00:00Z",
      to: "2026-02-01T00:00:00Z",
      by: "user",
      limit: 9,
      cursor: "x",
    } as const;
    const next = { next_cursor: "9x", rest: { names: 7, requests: 8, charged_usd: "2" } };
    expect(await clientOf(gateway).usage.sum.query(page)).toEqual({ sums: [], ...next });
  });
});
