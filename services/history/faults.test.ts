import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTcpProxy } from "../../shared/db/tcp-proxy.fixture.ts";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { createGatherer } from "./rpc/gather.ts";
import { account, ended, startTestHistory } from "./testing.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

const owner = { accountId: account };

/** Sends a record until it is stored, as the gateway does. */
async function insist(
  history: Awaited<ReturnType<typeof startTestHistory>>,
  id: bigint,
  status: RecordStatus,
): Promise<void> {
  for (;;) {
    try {
      await history.record({ ...ended(id), status });
      return;
    } catch (error) {
      if (!(error instanceof ThroughlineError) || !error.retryable) throw error;
      await delay(20);
    }
  }
}

describe("a database that goes away under load", () => {
  test("delays records and loses none: each ends with one terminal record", async () => {
    const proxy = await startTcpProxy(postgres.url);
    const history = await startTestHistory({ url: proxy.url });
    const first = firstIdAt(Date.now());
    const ids = Array.from({ length: 600 }, (_, n) => first + BigInt(n));
    const sending = ids.map(async (id, n) => {
      await delay(n % 300);
      await insist(history, id, RecordStatus.PROCESSING);
      await insist(history, id, RecordStatus.SUCCEEDED);
    });
    await delay(100);
    for (let cut = 0; cut < 3; cut++) {
      proxy.cut();
      await delay(80);
      proxy.mend();
      await delay(60);
    }
    await Promise.all(sending);
    const page = await history.client.queryRecords({ owner, page: 1, pageSize: 1_000 }, history.options);
    expect(page.records.map(({ record }) => record?.requestId)).toEqual(ids.toReversed());
    expect(page.records.every(({ record }) => record?.status === RecordStatus.SUCCEEDED)).toBe(true);
    expect(await history.client.findUnfinished({ requestIds: ids }, history.options)).toMatchObject({ requestIds: [] });
    await history[Symbol.asyncDispose]();
    await proxy.close();
  });
});

describe("a service that stops", () => {
  test("stores what it has accepted first", async () => {
    const history = await startTestHistory({ url: postgres.url });
    const first = firstIdAt(Date.now() + 60_000);
    const ids = Array.from({ length: 700 }, (_, n) => first + BigInt(n));
    const answers = ids.map((id) => history.record({ ...ended(id), accountId: 55n }));
    await delay(0);
    await history.service.stop();
    const stored = (await Promise.allSettled(answers)).filter(({ status }) => status === "fulfilled").length;
    expect(stored).toBeGreaterThan(0);
    const after = await startTestHistory({ url: postgres.url });
    const page = await after.client.queryRecords(
      { owner: { accountId: 55n }, page: 1, pageSize: 1_000 },
      after.options,
    );
    expect(page.records).toHaveLength(stored);
    await after[Symbol.asyncDispose]();
  });
});

describe("more than can be stored", () => {
  test("is sent back, never kept beyond the bound", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const batches: number[] = [];
    const gatherer = createGatherer<number, string>(
      async (items) => {
        batches.push(items.length);
        await held;
        return items.map(String);
      },
      { maxItems: 10, maxConcurrent: 1, maxBytes: 1_000, lingerMs: 1, enough: 10 },
    );
    const answers = Array.from({ length: 30 }, (_, n) => gatherer.accept(n, 50));
    expect(gatherer.waiting).toBe(20);
    for (const refused of answers.slice(20))
      expect(await refused).toMatchObject({ code: "service_unavailable", retryAfterMs: 500 });
    const drained = gatherer.drained();
    release();
    expect(await Promise.all(answers.slice(0, 20))).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
    await drained;
    expect(batches).toEqual([10, 10]);
    // A single item is let in, however large.
    expect(await gatherer.accept(1, 10_000)).toBe("1");
  });

  test("fails with its batch where the batch fails, and the next one goes on", async () => {
    let fail = true;
    const gatherer = createGatherer<number, string>(
      async (items) => {
        if (fail) throw new Error("secret");
        return items.map(String);
      },
      { maxItems: 10, maxConcurrent: 1, maxBytes: 1_000, lingerMs: 1, enough: 10 },
    );
    expect(await gatherer.accept(1, 1)).toMatchObject({
      code: "internal_error",
      message: "An internal error occurred.",
    });
    fail = false;
    expect(await gatherer.accept(2, 1)).toBe("2");
  });
});
