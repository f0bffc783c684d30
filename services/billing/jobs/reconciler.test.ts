import { setTimeout as delay } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  FindUnfinishedResponseSchema,
  RecordedSchema,
  type RecordItemSchema,
  RecordStatus,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { BillingDeps } from "../context.ts";
import { createPayer, nextRequestId, reserve, settle, startReplica, type TestBilling } from "../testing.ts";

type Sent = NonNullable<MessageInitShape<typeof RecordItemSchema>["record"]>;

let postgres: TestPostgres;
let replicas: TestBilling[];
const finished = new Set<bigint>();
const asked = new Map<bigint, number>();
const records = new Map<bigint, Sent[]>();
let away = false;

/** A history that knows what is in `finished`, and at times is away. */
const history: BillingDeps["history"] = {
  async findUnfinished({ requestIds = [] }) {
    if (away) throw new ThroughlineError("service_unavailable", "History is away.");
    for (const id of requestIds) asked.set(id, (asked.get(id) ?? 0) + 1);
    return create(FindUnfinishedResponseSchema, { requestIds: requestIds.filter((id) => !finished.has(id)) });
  },
  record: {
    async call({ record }, { requestId = 0n }) {
      if (record === undefined) throw new Error("no record");
      records.set(requestId, [...(records.get(requestId) ?? []), record]);
      finished.add(requestId);
      return create(RecordedSchema);
    },
    open: () => {
      throw new Error("not a stream");
    },
  },
};

beforeAll(async () => {
  postgres = await testPostgres();
  const config = { reconcileLagMs: 100, reconcileIntervalMs: 20, reservationTtlMs: 1_000, sweepIntervalMs: 20 };
  replicas = await Promise.all([1, 2].map(() => startReplica(postgres.url, config, { history })));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await postgres.stop();
});

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("it never came to pass");
    await delay(10);
  }
}

test("requests whose record never came get one from the ledger, by how they ended", async () => {
  const client = replicas[0]?.client;
  if (client === undefined) throw new Error("no replica");
  const payer = await createPayer(client);
  const [known, succeeded, broken, failed, left, lost] = Array.from({ length: 6 }, nextRequestId) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const ids = [known, succeeded, broken, failed, left, lost];
  finished.add(known);
  away = true;
  await Promise.all(ids.map((id) => reserve(client, payer, 50n, id, { userId: "u", dialect: "openai.chat" })));
  const facts = { keyId: payer.keyId, module: Module.CHAT, model: "model", channel: "c", platform: "p" };
  const served = { channel: "channel", platform: "vendor" };
  await Promise.all([
    settle(client, payer, 10n, known),
    settle(client, payer, 10n, succeeded, { facts: { ...facts, ...served, endUser: "alice", tags: ["red", "blue"] } }),
    settle(client, payer, 10n, broken, { case: SettleCase.BROKEN, facts: { ...facts, errorCode: "upstream_timeout" } }),
    settle(client, payer, 0n, failed, { case: SettleCase.FAILED, facts: { ...facts, errorCode: "upstream_error" } }),
    settle(client, payer, 10n, left, { case: SettleCase.DISCONNECTED, policy: DisconnectPolicy.REFUND }),
  ]);
  away = false;
  await until(() => [succeeded, broken, failed, left, lost].every((id) => records.has(id)));

  const { SUCCEEDED, FAILED } = RecordStatus;
  expect(records.has(known)).toBe(false);
  expect(records.get(succeeded)).toMatchObject([
    {
      status: SUCCEEDED,
      reconstructed: true,
      accountId: payer.accountId,
      keyId: payer.keyId,
      userId: "u",
      endUser: "alice",
      tags: ["red", "blue"],
      model: "model",
      channel: "channel",
      platform: "vendor",
      httpStatus: 200,
      errorCode: "",
      reservedNanoUsd: 50n,
      billedNanoUsd: 10n,
      billingReason: "usage",
      usage: { outputTokens: 10n },
    },
  ]);
  expect(records.get(broken)).toMatchObject([{ status: FAILED, errorCode: "upstream_timeout", billedNanoUsd: 10n }]);
  expect(records.get(failed)).toMatchObject([{ status: FAILED, errorCode: "upstream_error", billedNanoUsd: 0n }]);
  expect(records.get(left)).toMatchObject([{ status: FAILED, errorCode: "client_closed_request" }]);
  expect(records.get(lost)).toMatchObject([
    {
      status: FAILED,
      errorCode: "interrupted",
      dialect: "openai.chat",
      reservedNanoUsd: 50n,
      billingReason: "expired",
    },
  ]);
  expect(ids.map((id) => asked.get(id))).toEqual([1, 1, 1, 1, 1, 1]);
});
