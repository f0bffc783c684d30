import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus, TimeStep } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { summedHours } from "../db/usage-hours.ts";
import { ended, startTestHistory } from "../testing.ts";
import { sumHours } from "./maintenance.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 5, 14, 20);
const hours = 6;
/** In the middle of the last hour, which is open. */
const endMs = startMs + (hours - 0.5) * hourMs;
let nowMs = startMs;
const perHour = 1_100;

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory({ deps: { nowMs: () => nowMs } });
  await Promise.all(Array.from({ length: hours * perHour }, (_, n) => send(n)));
  nowMs = endMs;
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

/** Of each hour the first thousand are account 1's, the others account 2's: too few of them to be summed. */
function send(n: number, late = 0) {
  const within = n % perHour;
  const id = firstIdAt(startMs + Math.floor(n / perHour) * hourMs + within * 1_500) + BigInt(late);
  return history.record({
    ...ended(id),
    accountId: within < 1_000 ? 1n : 2n,
    keyId: within < 1_000 ? BigInt(10 + (n % 2)) : 20n,
    model: n % 3 === 0 ? "a" : "b",
    channel: n % 5 === 0 ? "x" : "y",
    status: n % 10 === 0 ? RecordStatus.FAILED : RecordStatus.SUCCEEDED,
    errorCode: n % 10 === 0 ? "upstream_error" : "",
    usage: create(UsageSchema, {
      inputTokens: BigInt(n),
      cachedInputTokens: 2n,
      outputTokens: 3n,
      reasoningTokens: 4n,
    }),
    billedNanoUsd: BigInt(n % 7),
    durationUs: BigInt(1_000 + n * 997),
  });
}

/** Every way to ask that hours can answer, and some that they cannot. */
const allAsks = [{ accountId: 1n }, { accountId: 1n, keyId: 11n }, { accountId: 2n }, { operator: true }].flatMap(
  (owner) =>
    [TimeStep.HOUR, TimeStep.DAY].flatMap((step) =>
      ["", "model", "channel", "status", "key"].flatMap((groupBy) =>
        [
          {},
          { statuses: [RecordStatus.FAILED] },
          { model: "a" },
          { channel: "x", model: "b" },
          { errorCode: "upstream_error" },
          { fromUnixMs: BigInt(startMs + 1_234_567), toUnixMs: BigInt(startMs + 2.5 * hourMs) },
        ].map((filter) => ({
          owner,
          step,
          groupBy,
          filter: { fromUnixMs: BigInt(startMs - hourMs), toUnixMs: BigInt(endMs), ...filter },
        })),
      ),
    ),
);

const asks = allAsks.filter((_, n) => n % 3 === 0 || n % 7 === 0);

const answers = () => Promise.all(asks.map((ask) => history.client.getTimeseries(ask, history.options)));
const requestsOf = ([first]: Awaited<ReturnType<typeof answers>>): bigint =>
  first?.points.reduce((sum, { requests }) => sum + requests, 0n) ?? 0n;
const summedOf = (account: bigint) => {
  const first = startMs / hourMs;
  return summedHours(history.context.reader, account, { from: first - 1, to: first + hours });
};

describe("sums of hours", () => {
  test("answer as the records themselves do", async () => {
    const fromRecords = await answers();
    expect(fromRecords.some(({ points }) => points.length > 5)).toBe(true);
    await sumHours(history.context);
    expect(await answers()).toEqual(fromRecords);
  });

  test("are kept for accounts with many requests, and for all together", async () => {
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    expect(await summedOf(2n)).toEqual([]);
    // Which hours are summed, their sums, and the records before and after them.
    const { summingReader } = history.context;
    const statements = (): number => summingReader.statements;
    const before = statements();
    await history.client.getTimeseries({ ...asks[0] }, history.options);
    expect(statements() - before).toBe(4);
  });

  test("follow records that come late", async () => {
    const before = await answers();
    await Promise.all([send(5, 1), send(17, 1), send(2 * perHour + 3, 1)]);
    // At once: they are added to the sums of their hours, which stay summed for everybody.
    const after = await answers();
    expect(after).not.toEqual(before);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    await sumHours(history.context);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await answers()).toEqual(after);
  });

  test("lose what its owner deletes, as the records do", async () => {
    const before = await answers();
    const requestIds = [firstIdAt(startMs), firstIdAt(startMs + 2 * hourMs + 1_500)];
    await history.client.deleteRecords({ owner: { accountId: 1n }, requestIds }, history.options);
    const after = await answers();
    // The first question is for all of the account's, and both hours keep enough to be summed.
    expect(requestsOf(before) - requestsOf(after)).toBe(2n);
    expect(await summedOf(0n)).toHaveLength(hours - 1);
    await sumHours(history.context);
    expect(await summedOf(1n)).toHaveLength(hours - 1);
    expect(await answers()).toEqual(after);
  });

  test("are made by one of several replicas, and again without harm", async () => {
    const before = await answers();
    await Promise.all(Array.from({ length: 4 }, () => sumHours(history.context)));
    expect(await answers()).toEqual(before);
  });
});
