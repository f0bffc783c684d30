import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordStatus, type StoredRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { ended, startTestHistory } from "./testing.ts";

const atMs = Date.UTC(2026, 5, 14, 12);
const count = 40;
const id = (n: number): bigint => firstIdAt(atMs + n * 1_000);
const owner = { accountId: 7n };

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  // A few answers are larger than what a page may have.
  history = await startTestHistory({ context: { payloadBudgetBytes: 30_000 }, deps: { nowMs: () => atMs + 60_000 } });
  for (let n = 0; n < count; n++) {
    const response = Buffer.from(JSON.stringify({ n, text: "x".repeat(n % 5 === 0 ? 20_000 : 10) }));
    const status = n % 7 === 0 ? RecordStatus.PROCESSING : RecordStatus.SUCCEEDED;
    await history.record(ended(id(n), { status, response, userId: n % 2 === 0 ? "even" : "odd" }));
  }
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const asked = { owner, page: 1, pageSize: 1_000 };

/** A page as it is read in pieces; `meanwhile` runs behind the first. */
async function readInPieces(atOnce: number, meanwhile?: () => Promise<unknown>): Promise<StoredRecord[]> {
  const { client, options } = history;
  const page = await client.queryRecords({ ...asked, atOnce }, options);
  expect(page.records.length).toBeLessThanOrEqual(atOnce);
  await meanwhile?.();
  const records = [...page.records];
  const { requestIds = [], maxResponseBytes = 0n, mayRun = false } = page.rest ?? {};
  for (let from = 0; from < requestIds.length; from += atOnce) {
    const of = { requestIds: requestIds.slice(from, from + atOnce), maxResponseBytes, mayRun };
    records.push(...(await client.readRecords({ owner, of }, options)).records);
  }
  return records;
}

describe("a page in pieces", () => {
  test.each([1, 7, count - 1, count, 1_000])(
    "of %i is the page in one go, running ones and cut answers included",
    async (atOnce) => {
      const { records } = await history.client.queryRecords(asked, history.options);
      expect(records).toHaveLength(count);
      expect(records.filter(({ record }) => record?.responseTruncated)).not.toHaveLength(0);
      expect(await readInPieces(atOnce)).toEqual(records);
    },
  );

  test("has no others' records, whatever IDs are asked for", async () => {
    const of = { requestIds: [id(1), id(2), id(7), id(99)], mayRun: true };
    const read = async (whose: object) =>
      (await history.client.readRecords({ owner: whose, of }, history.options)).records.map(
        (one) => one.record?.requestId,
      );
    expect(await read(owner)).toEqual([id(1), id(2), id(7)]);
    expect(await read({ accountId: 8n })).toEqual([]);
    expect(await read({ accountId: 7n, keyId: 71n })).toEqual([]);
    expect(await read({ accountId: 7n, userId: "odd" })).toEqual([id(1), id(7)]);
  });

  test("goes on without what was deleted meanwhile", async () => {
    const gone = [id(0), id(3)];
    const read = await readInPieces(10, () =>
      history.client.deleteRecords({ owner, requestIds: gone }, history.options),
    );
    expect(read.map(({ record }) => record?.requestId)).toEqual(
      Array.from({ length: count }, (_, n) => id(count - 1 - n)).filter((one) => !gone.includes(one)),
    );
  });

  test("is refused beyond a thousand records at once", async () => {
    const of = { requestIds: Array.from({ length: 1_001 }, (_, n) => id(n)) };
    await expect(history.client.readRecords({ owner, of }, history.options)).rejects.toMatchObject({
      ...{ code: "invalid_value", param: "of" },
    });
  });
});
