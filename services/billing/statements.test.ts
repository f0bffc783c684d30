import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../shared/db/index.ts";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import {
  AuthenticateItemSchema,
  type ReserveItem,
  ReserveItemSchema,
  SettleCase,
  SettleItemSchema,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { LaneCall } from "../../shared/rpc/types.ts";
import { billingSpans, createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import type { BillingContext } from "./context.ts";
import { openDatabase } from "./db/open.ts";
import type { BillingSchema } from "./db/schema.ts";
import { createTariffs } from "./db/tariffs.ts";
import { secretDigest } from "./domain/secret.ts";
import { openRateLimits } from "./limits/open.ts";
import { authenticate } from "./rpc/authenticate.ts";
import { gatheringJudge } from "./rpc/judge.ts";
import { type ReserveParts, reserve } from "./rpc/reserve.ts";
import { createSecondLook } from "./rpc/second-look.ts";
import { settle } from "./rpc/settle.ts";
import {
  createPayer,
  reserve as holdOne,
  nextRequestId,
  type Payer,
  pricing,
  silent,
  startReplica,
  type TestBilling,
} from "./testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let db: Database<BillingSchema>;
let context: BillingContext;
let parts: ReserveParts;
let payers: Payer[];

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  const { config } = billing;
  db = await openDatabase(config, silent);
  const telemetry = createTelemetry(telemetryConfig({ OTEL_SDK_DISABLED: "true" }), {
    service: "billing",
    log: silent,
  });
  context = {
    config,
    db,
    reports: db,
    log: silent,
    metrics: telemetry.metrics,
    spans: billingSpans(telemetry.tracer("billing")),
    rateLimits: await openRateLimits(config, db, silent),
    tariffs: createTariffs(db),
    nowMs: Date.now,
  };
  const judgeOne = gatheringJudge(context);
  parts = { judgeOne, secondLook: createSecondLook(0, judgeOne, () => undefined) };
  const limits = { requestsPerMinute: 1_000_000, concurrentRequests: 1_000_000 };
  payers = await Promise.all(Array.from({ length: 20 }, () => createPayer(billing.client, { key: { limits } })));
});
afterAll(async () => {
  await context.rateLimits.close();
  await Promise.all([db.close(), billing.stop()]);
  await postgres.stop();
});

const call = { traceparent: "", deadlineMs: Number.POSITIVE_INFINITY, signal: AbortSignal.abort() };

function reserveItem({ accountId, keyId }: Payer): ReserveItem {
  const worstCase = { outputTokens: 9n };
  const facts = { module: Module.CHAT, model: "m", pricing, secretGeneration: 1 };
  return create(ReserveItemSchema, { accountId, keyId, worstCase, ...facts });
}

function calls<T>(ids: readonly bigint[], itemOf: (payer: Payer) => T): LaneCall<T>[] {
  return ids.map((requestId, i) => ({ ...call, requestId, item: itemOf(payers[i % payers.length] as Payer) }));
}

/** Statements that some work sends. */
async function statementsOf(work: () => Promise<readonly unknown[]>): Promise<number> {
  const before = db.statements;
  const answers = await work();
  expect(answers.filter((answer) => answer instanceof Error)).toEqual([]);
  return db.statements - before;
}

test("a batch of 500 over 20 accounts is one statement: to authenticate, to reserve, to settle", async () => {
  const batches = Array.from({ length: 3 }, () => Array.from({ length: 500 }, nextRequestId));
  const counts = { authenticate: [] as number[], reserve: [] as number[], settle: [] as number[] };
  for (const ids of batches) {
    const authenticating = calls(ids, ({ secret }) =>
      create(AuthenticateItemSchema, { secretSha256: secretDigest(secret) }),
    );
    counts.authenticate.push(await statementsOf(() => authenticate(context)(authenticating)));
    const reserving = calls(ids, reserveItem);
    counts.reserve.push(await statementsOf(() => reserve(context, parts)(reserving)));
    const settling = calls(ids, ({ accountId, keyId }) =>
      create(SettleItemSchema, {
        accountId,
        case: SettleCase.SUCCEEDED,
        pricing,
        usage: { outputTokens: 5n },
        facts: { keyId, module: Module.CHAT, model: "m", channel: "c" },
      }),
    );
    counts.settle.push(await statementsOf(() => settle(context, () => undefined)(settling)));
  }
  // The first batch learns the keys' limits and the tariffs.
  expect(counts).toEqual({ authenticate: [1, 1, 1], reserve: [3, 1, 1], settle: [2, 1, 1] });
});

test("a flood of refused requests shares the statements of its looks, and accepted ones pay nothing", async () => {
  const limits = { concurrentRequests: 1 };
  const crowded = await Promise.all([1, 2, 3].map(() => createPayer(billing.client, { key: { limits } })));
  await Promise.all(crowded.map((payer) => holdOne(billing.client, payer, 1n)));
  const judgeOne = gatheringJudge(context);
  const waits = reserve(context, { judgeOne, secondLook: createSecondLook(120, judgeOne, () => undefined) });
  const ask = async () => {
    const items = Array.from({ length: 300 }, (_, i) => reserveItem(crowded[i % crowded.length] as Payer));
    const answers = await waits(items.map((item) => ({ ...call, requestId: nextRequestId(), item })));
    return Promise.all(answers);
  };
  await ask();
  const before = db.statements;
  const answers = (await Promise.all([ask(), ask()])).flat();
  expect(answers.filter((answer) => answer instanceof Error)).toHaveLength(600);
  // Two batches, each judged as a whole and then item by item, and the six looks that they share, but for those that the clock puts on either side of a tick. Jobs of
  // the service may run meanwhile. Without sharing it would be a statement or more for each of the 600.
  expect(db.statements - before).toBeLessThanOrEqual(2 + 2 * 6 + 6);
});
