import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordSchema, RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { storeEnded } from "./db/put.ts";
import { prepareEnded } from "./rpc/prepare.ts";
import { account, ended, startTestHistory } from "./testing.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory();
});

afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };
let serial = firstIdAt(Date.now());
const nextId = (): bigint => serial++;

describe("a deletion among arrivals", () => {
  test("wins over every record of its requests, whichever comes first, on any replica", async () => {
    const of = { accountId: 44n };
    const replicas = await Promise.all([1, 2].map(() => startTestHistory({ url: history.url })));
    const [one, two] = replicas;
    if (one === undefined || two === undefined) throw new Error("no replicas");
    const ids = Array.from({ length: 240 }, nextId);
    const pieces = Array.from({ length: 24 }, (_, n) => ids.slice(n * 10, n * 10 + 10));
    await Promise.all([
      ...ids.map((id) => one.record({ ...ended(id), accountId: 44n, status: RecordStatus.PROCESSING })),
      ...ids.map((id) => two.record({ ...ended(id), accountId: 44n })),
      ...pieces.map((requestIds, n) =>
        (n % 2 === 0 ? one : two).client.deleteRecords({ owner: of, requestIds }, one.options),
      ),
    ]);
    const page = await one.client.queryRecords({ owner: of, page: 1, pageSize: 1_000 }, one.options);
    expect(page.records).toEqual([]);
    expect((await one.client.findUnfinished({ requestIds: ids }, one.options)).requestIds).toEqual([]);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  });
});

describe("a deletion while a batch is being stored", () => {
  test("waits for it, and takes what it stored", async () => {
    const { context } = history;
    const id = nextId();
    const prepared = await prepareEnded(create(RecordSchema, ended(id)), context);
    await context.terms.idsOf(new Set(prepared.terms));
    let deletion: Promise<{ deleted: number }> | undefined;
    await context.db.transaction(async (batch) => {
      await storeEnded(batch, [prepared.toRow(context.terms)]);
      deletion = history.client.deleteRecords({ owner, requestIds: [id] }, history.options);
      // It must still be waiting when the batch is committed.
      const first = await Promise.race([deletion, delay(200)]);
      expect(first).toBeUndefined();
    });
    expect(await deletion).toMatchObject({ deleted: 1 });
    await expect(history.client.getRecord({ owner, requestId: id }, history.options)).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
