import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { Module, PriceSource, PricingSchema, UsageSchema } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  DetailSchema,
  type Record as HistoryRecord,
  RecordStatus,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt, maxRequestIdMs } from "../../shared/request-id.ts";
import { account, ended, example, key, startTestHistory } from "./testing.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory();
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };

async function get(requestId: bigint): Promise<HistoryRecord | undefined> {
  const { record } = await history.client.getRecord({ owner, requestId }, history.options);
  return record?.record;
}

describe("a record", () => {
  test("comes back as it was stored, under the document's own ID and times", async () => {
    const fields = ended(example.requestId, {
      userId: "user-1",
      fromAppserver: true,
      module: Module.IMAGE,
      requestedModel: "dall-e-3",
      platform: "openai",
      channel: "openai-main",
      strategy: "dell-3",
      dialect: "openai.chat",
      stream: true,
      attemptId: example.attemptId,
      httpStatus: 200,
      createdUnixUs: example.createdUnixUs,
      updatedUnixUs: example.updatedUnixUs,
      usage: create(UsageSchema, {
        inputTokens: 11n,
        cachedInputTokens: 12n,
        cacheWriteTokens: 13n,
        outputTokens: 14n,
        reasoningTokens: 15n,
        images: 16n,
        audioMs: 17n,
        characters: 18n,
        estimated: true,
      }),
      pricing: create(PricingSchema, {
        strategy: "dell-3",
        inputNanoUsdPerMtok: 1n,
        cachedInputNanoUsdPerMtok: 2n,
        cacheWriteNanoUsdPerMtok: 3n,
        outputNanoUsdPerMtok: 4n,
        reasoningNanoUsdPerMtok: 5n,
        imageNanoUsd: 6n,
        audioSecondNanoUsd: 7n,
        characterNanoUsdPerMchar: 8n,
        requestNanoUsd: 9n,
        groupRatioPpm: 1_500_000,
        source: PriceSource.TABLE,
      }),
      reservedNanoUsd: 5_000n,
      billedNanoUsd: 1_234n,
      billingReason: "usage",
      policy: 2,
      durationUs: 1_000_001n,
      firstByteUs: 250_000n,
      response: Buffer.from('{"data":[{"url":"https://example.org/é.png"}]}'),
      storeResponse: 1,
      messageId: "chatcmpl-1",
      upstreamRequestId: "req_1",
      detail: create(DetailSchema, {
        attempts: [
          { attemptId: example.attemptId, channel: "openai-main", upstreamRequestId: "req_1", httpStatus: 200 },
        ],
        reasons: [{ channel: "openai-main", reason: "priority 10", chosen: true }],
        timeline: [{ name: "received", atUs: 0n }],
        traceId: "0af7651916cd43dd8448eb211c80319c",
        clientRequestId: "mine",
        finishReason: "stop",
        responseModel: "dall-e-3-1",
        notes: ["seed dropped"],
      }),
    });
    await expect(history.record(fields)).resolves.toMatchObject({ repaired: false });
    const stored = await get(example.requestId);
    expect(stored).toMatchObject(fields);
  });

  test("may have no account's right to be missing anything but identity and state", async () => {
    await expect(history.record({ ...ended(1n), accountId: 0n })).rejects.toMatchObject({ code: "invalid_value" });
    await expect(history.record({ ...ended(0n) })).rejects.toMatchObject({ code: "invalid_value" });
    await expect(history.record({ ...ended(1n), status: 9 as RecordStatus })).rejects.toMatchObject({
      code: "invalid_value",
    });
  });

  test("of another owner is not found, as an unknown one", async () => {
    const id = firstIdAt(Date.now()) + 1n;
    await history.record(ended(id, { userId: "ann" }));
    const not = expect.objectContaining({ code: "not_found", message: "There is no such request." });
    const ask = (of: object) => history.client.getRecord({ owner: of, requestId: id }, history.options);
    await expect(ask({ accountId: 8n })).rejects.toEqual(not);
    await expect(ask({ accountId: account, userId: "bob" })).rejects.toEqual(not);
    await expect(ask({ accountId: account, keyId: 71n })).rejects.toEqual(not);
    await expect(history.client.getRecord({ owner, requestId: id + 1n }, history.options)).rejects.toEqual(not);
    for (const of of [{ accountId: account, userId: "ann" }, { accountId: account, keyId: key }, { operator: true }]) {
      expect((await ask(of)).record?.record?.requestId).toBe(id);
    }
  });

  test("is found by the upstream's ID, the newest first", async () => {
    const id = firstIdAt(Date.now()) + 10n;
    await history.record(ended(id, { upstreamRequestId: "req_twice" }));
    await history.record(ended(id + 1n, { upstreamRequestId: "req_twice" }));
    const found = await history.client.getRecord({ owner, upstreamRequestId: "req_twice" }, history.options);
    expect(found.record?.record?.requestId).toBe(id + 1n);
    await expect(
      history.client.getRecord({ owner, upstreamRequestId: "req_never" }, history.options),
    ).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("states", () => {
  test("never go back, whatever the order of arrival", async () => {
    const id = firstIdAt(Date.now()) + 20n;
    await history.record({ ...ended(id), status: RecordStatus.FAILED, reconstructed: true, errorCode: "interrupted" });
    await history.record({ ...ended(id), status: RecordStatus.PROCESSING });
    expect(await get(id)).toMatchObject({ status: RecordStatus.FAILED, reconstructed: true });
    await history.record(ended(id, { response: Buffer.from("{}") }));
    expect(await get(id)).toMatchObject({ status: RecordStatus.SUCCEEDED, reconstructed: false });
    await history.record({ ...ended(id), status: RecordStatus.FAILED, reconstructed: true });
    expect(await get(id)).toMatchObject({ status: RecordStatus.SUCCEEDED, errorCode: "" });
  });

  test("of a running request show until its end", async () => {
    const id = firstIdAt(Date.now()) + 30n;
    await history.record({ ...ended(id), status: RecordStatus.PROCESSING, userId: "ann" });
    expect(await get(id)).toMatchObject({ status: RecordStatus.PROCESSING });
    const unfinished = await history.client.findUnfinished({ requestIds: [id, id + 1n, id] }, history.options);
    expect(unfinished.requestIds).toEqual([id, id + 1n]);
    await history.record({ ...ended(id), status: RecordStatus.FAILED, reconstructed: true, errorCode: "interrupted" });
    expect(await get(id)).toMatchObject({ status: RecordStatus.FAILED, userId: "ann", errorCode: "interrupted" });
    expect((await history.client.findUnfinished({ requestIds: [id] }, history.options)).requestIds).toEqual([]);
    const left = statement("test.unfinished", "select from history.unfinished where request_id = $1");
    expect(await history.context.db.query(left, [id])).toEqual([]);
  });
});

describe("pages", () => {
  test("hold what the filters say, newest first", async () => {
    const base = Date.UTC(2026, 0, 1);
    const of = { accountId: 900n };
    const ids = Array.from({ length: 25 }, (_, n) => firstIdAt(base + n));
    await Promise.all(
      ids.map((id, n) =>
        history.record({
          ...ended(id),
          accountId: 900n,
          status: n % 5 === 0 ? RecordStatus.FAILED : n % 5 === 1 ? RecordStatus.PROCESSING : RecordStatus.SUCCEEDED,
          fromAppserver: n % 2 === 0,
        }),
      ),
    );
    const query = async (fields: object) => {
      const answer = await history.client.queryRecords(
        { owner: of, page: 1, pageSize: 100, ...fields },
        history.options,
      );
      return { ids: answer.records.map((stored) => stored.record?.requestId), more: answer.hasMore };
    };
    const newest = ids.toReversed();
    expect(await query({})).toEqual({ ids: newest, more: false });
    expect(await query({ pageSize: 10, page: 2 })).toEqual({ ids: newest.slice(10, 20), more: true });
    expect(await query({ pageSize: 5, page: 5 })).toEqual({ ids: newest.slice(20), more: false });
    expect(await query({ pageSize: 5, page: 6 })).toEqual({ ids: [], more: false });
    expect((await query({ statuses: [RecordStatus.FAILED] })).ids).toEqual(newest.filter((_, n) => (24 - n) % 5 === 0));
    expect((await query({ statuses: [RecordStatus.PROCESSING] })).ids).toEqual(
      newest.filter((_, n) => (24 - n) % 5 === 1),
    );
    expect((await query({ fromAppserver: false })).ids).toEqual(newest.filter((_, n) => (24 - n) % 2 === 1));
    // The bounds are instants and exclusive: the record of that millisecond was created 175 us into it.
    const [third = 0n] = ids.slice(3);
    expect((await query({ startUnixMs: BigInt(base + 3), endUnixMs: BigInt(base + 4) })).ids).toEqual([third]);
    expect((await query({ endUnixMs: BigInt(base + 3) })).ids).toHaveLength(3);
    // Bounds beyond all that an ID can say, the last millisecond of IDs among them.
    const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
    expect((await query({ startUnixMs: int64.least, endUnixMs: int64.most })).ids).toEqual(newest);
    for (const startUnixMs of [BigInt(maxRequestIdMs), int64.most])
      expect((await query({ startUnixMs })).ids).toEqual([]);
  });

  test("have large answers, small ones and none, be they short or long", async () => {
    const sizes = [70_000, 200, 0, 300_000, ...Array.from({ length: 60 }, (_, n) => n)];
    const ids = sizes.map((_, n) => firstIdAt(Date.UTC(2026, 0, 2) + n));
    await Promise.all(
      sizes.map((size, n) =>
        history.record({ ...ended(ids[n] ?? 0n), accountId: 901n, response: Buffer.from(`${n}`.repeat(size)) }),
      ),
    );
    const lapsed = ids[1] ?? 0n;
    const drop = statement("test.drop_payload", "delete from history.payload where request_id = $1");
    await history.context.db.query(drop, [lapsed]);
    const kept = sizes.map((size, n) => (ids[n] === lapsed ? "" : `${n}`.repeat(size))).toReversed();
    for (const pageSize of [4, 64]) {
      const pages = Array.from({ length: sizes.length / pageSize }, (_, n) => n + 1);
      const answers: string[] = [];
      for (const page of pages) {
        const { records } = await history.client.queryRecords(
          { owner: { accountId: 901n }, page, pageSize },
          history.options,
        );
        for (const { record, payloadExpired } of records) {
          answers.push(Buffer.from(record?.response ?? []).toString());
          expect(payloadExpired).toBe(record?.requestId === lapsed);
        }
      }
      expect(answers).toEqual(kept);
    }
  });

  test("are refused beyond their bounds", async () => {
    const query = (fields: object) =>
      history.client.queryRecords({ owner, page: 1, pageSize: 1, ...fields }, history.options);
    for (const [fields, param] of [
      [{ page: 0 }, "page"],
      [{ page: 101 }, "page"],
      [{ pageSize: 0 }, "page_size"],
      [{ pageSize: 1_001 }, "page_size"],
      [{ owner: {} }, "owner.account_id"],
      [{ statuses: [0] }, "statuses"],
    ] as const) {
      await expect(query(fields)).rejects.toMatchObject({ code: "invalid_value", param });
    }
  });
});

describe("deletion", () => {
  test("removes what is the owner's, and a late record does not bring it back", async () => {
    const base = firstIdAt(Date.now()) + 100n;
    await history.record(ended(base));
    await history.record({ ...ended(base + 1n), status: RecordStatus.PROCESSING });
    await history.record({ ...ended(base + 2n), accountId: 8n });
    const ids = [base, base + 1n, base + 2n, base + 3n, base, 5n];
    const remove = () => history.client.deleteRecords({ owner, requestIds: ids }, history.options);
    expect((await remove()).deleted).toBe(2);
    expect((await remove()).deleted).toBe(0);
    for (const late of [base, base + 1n, base + 3n]) {
      await history.record(ended(late));
      await expect(get(late)).rejects.toMatchObject({ code: "not_found" });
    }
    const other = await history.client.getRecord({ owner: { accountId: 8n }, requestId: base + 2n }, history.options);
    expect(other.record?.record?.accountId).toBe(8n);
    // Nobody needs to reconstruct what its owner has deleted.
    expect((await history.client.findUnfinished({ requestIds: ids }, history.options)).requestIds).toEqual([5n]);
  });
});
