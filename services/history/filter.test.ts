import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordStatus, TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { ended, startTestHistory } from "./testing.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
const atMs = Date.UTC(2026, 5, 14, 12);
const id = (n: number) => firstIdAt(atMs + n);

beforeAll(async () => {
  history = await startTestHistory();
  await history.record({ ...ended(id(1)), accountId: 1n, userId: "ann", channel: "a\0b" });
  await history.record({ ...ended(id(2)), accountId: 2n, userId: "ann" });
  await history.record({ ...ended(id(3)), accountId: 2n, userId: "bob" });
  await history.record({ ...ended(id(4)), accountId: 3n, userId: "ann", status: RecordStatus.PROCESSING });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const operator = { operator: true };
const list = async (filter: object) =>
  (await history.client.listRecords({ owner: operator, filter }, history.options)).records.map(
    ({ record }) => record?.requestId,
  );

describe("a filter on the user", () => {
  test("finds the records of all accounts for the operator", async () => {
    expect(await list({ userId: "ann" })).toEqual([id(4), id(2), id(1)]);
    expect(await list({ userId: "ann", statuses: [RecordStatus.SUCCEEDED] })).toEqual([id(2), id(1)]);
    expect(await list({ userId: "nobody" })).toEqual([]);
  });

  test("holds for the operator's sums over time, those of whole hours too", async () => {
    const filter = { userId: "ann", fromUnixMs: BigInt(atMs), toUnixMs: BigInt(atMs + 3_600_000) };
    const asked = { owner: operator, step: TimeStep.HOUR, filter };
    const { points } = await history.client.getTimeseries(asked, history.options);
    expect(points.map(({ requests }) => requests)).toEqual([2n]);
  });
});

describe("a filter on a name", () => {
  test("that PostgreSQL cannot hold looks for what was stored in its place, and is no fault", async () => {
    for (const name of ["\0", "\ud800", "none\0"]) {
      for (const field of ["model", "channel", "errorCode"]) expect(await list({ [field]: name })).toEqual([]);
    }
    expect(await list({ channel: "a\0b" })).toEqual([id(1)]);
  });
});
