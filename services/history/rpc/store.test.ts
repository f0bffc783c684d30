import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dropPartitionsBelow } from "../../../shared/db/index.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { RecordSchema, RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { account, ended, startTestHistory } from "../testing.ts";
import { prepareEnded, prepareUnfinished } from "./prepare.ts";
import { putEnded, putUnfinished } from "./store.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory();
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

let serial = firstIdAt(Date.now());
const nextIds = (count: number): bigint[] => Array.from({ length: count }, () => serial++);
const quiet = { error: () => undefined } as never;

async function storedOf(ids: readonly bigint[]): Promise<bigint[]> {
  const page = await history.client.queryRecords(
    { owner: { accountId: account }, page: 1, pageSize: 1_000 },
    history.options,
  );
  const stored = new Set(page.records.map(({ record }) => record?.requestId));
  return ids.filter((id) => stored.has(id));
}

describe("an item that PostgreSQL refuses", () => {
  test("fails alone, among ended records", async () => {
    const ids = nextIds(21);
    const [bad = 0n] = ids.slice(13);
    const items = await Promise.all(ids.map((id) => prepareEnded(create(RecordSchema, ended(id)), history.context)));
    const spoilt = items.map((item, n) =>
      n === 13
        ? { ...item, toRow: (terms: typeof history.context.terms) => ({ ...item.toRow(terms), status: 9 }) }
        : item,
    );
    const failures = await putEnded({ ...history.context, log: quiet }, spoilt);
    expect([...failures.keys()]).toEqual([bad]);
    expect(failures.get(bad)).toMatchObject({ code: "internal_error", message: "An internal error occurred." });
    expect(await storedOf(ids)).toEqual(ids.filter((id) => id !== bad));
  });

  test("fails alone, among running ones", async () => {
    const ids = nextIds(6);
    const items = ids.map((id) =>
      prepareUnfinished(create(RecordSchema, { ...ended(id), status: RecordStatus.PROCESSING })),
    );
    const spoilt = items.map((item, n) =>
      n === 0
        ? { ...item, toRow: (terms: typeof history.context.terms) => ({ ...item.toRow(terms), status: 9 }) }
        : item,
    );
    const failures = await putUnfinished({ ...history.context, log: quiet }, spoilt);
    expect([...failures.keys()]).toEqual(ids.slice(0, 1));
    expect(await storedOf(ids)).toEqual(ids.slice(1));
  });
});

test("a database that cannot be reached fails the whole call, which may be sent again", async () => {
  const away = new ThroughlineError("service_unavailable", "The database is not available.");
  const [id = 0n] = nextIds(1);
  const item = await prepareEnded(create(RecordSchema, ended(id)), history.context);
  await history.context.terms.idsOf(new Set(item.terms));
  const db = { ...history.context.db, query: () => Promise.reject(away) } as never;
  await expect(putEnded({ ...history.context, db, log: quiet }, [item])).rejects.toBe(away);
});

test("rows whose partitions go again before they are in them make them anew", async () => {
  const { db, tables } = history.context;
  const long = firstIdAt(Date.UTC(2021, 4, 5));
  const item = await prepareEnded(create(RecordSchema, ended(long)), history.context);
  let dropped = 0;
  // The maintenance of another replica: each time when partitions were just made, up to the first of the second round.
  const session = async <T>(work: Parameters<typeof db.session<T>>[0]): Promise<T> => {
    const made = await db.session(work);
    if (dropped <= tables.length) {
      dropped += 1;
      for (const { table } of tables) await dropPartitionsBelow(db, { table, bound: firstIdAt(Date.UTC(2022, 1, 1)) });
    }
    return made;
  };
  const failures = await putEnded({ ...history.context, db: { ...db, session }, log: quiet }, [item]);
  expect([...failures.values()].map(({ cause }) => cause)).toEqual([]);
  expect(dropped).toBe(tables.length + 1);
  expect(await storedOf([long])).toEqual([long]);
});
