import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsageSchema } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { ended, startTestHistory } from "./testing.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory();
});

afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

test("usage over time counts what has ended, by step and group", async () => {
  const of = { accountId: 66n };
  const startMs = Date.UTC(2026, 2, 1);
  const hour = 3_600_000;
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      history.record({
        ...ended(firstIdAt(startMs + Math.floor(n / 20) * hour + n)),
        accountId: 66n,
        keyId: BigInt(n % 2),
        model: n % 2 === 0 ? "a" : "b",
        status: n % 10 === 0 ? RecordStatus.FAILED : RecordStatus.SUCCEEDED,
        usage: create(UsageSchema, {
          inputTokens: 10n,
          cachedInputTokens: 1n,
          outputTokens: 3n,
          reasoningTokens: 2n,
        }),
        billedNanoUsd: 7n,
        durationUs: BigInt((n % 20) + 1) * 1_000n,
      }),
    ),
  );
  await history.record({ ...ended(firstIdAt(startMs + 5)), accountId: 66n, status: RecordStatus.PROCESSING });
  const series = (fields: object) =>
    history.client.getTimeseries(
      {
        owner: of,
        filter: { fromUnixMs: BigInt(startMs), toUnixMs: BigInt(startMs + 2 * hour) },
        step: 2,
        groupBy: "",
        ...fields,
      },
      history.options,
    );
  const whole = await series({});
  expect(whole.points).toMatchObject([
    {
      atUnixMs: BigInt(startMs),
      group: "",
      requests: 20n,
      errors: 2n,
      inputTokens: 220n,
      outputTokens: 100n,
      billedNanoUsd: 140n,
      p50Ms: 10n,
      p99Ms: 20n,
    },
    { atUnixMs: BigInt(startMs + hour), requests: 20n, errors: 2n },
  ]);
  const byModel = await series({ step: 3, groupBy: "model" });
  expect(byModel.points).toMatchObject([
    { atUnixMs: BigInt(startMs), group: "a", requests: 20n, errors: 4n },
    { atUnixMs: BigInt(startMs), group: "b", requests: 20n, errors: 0n },
  ]);
  expect((await series({ step: 3, groupBy: "status" })).points.map(({ group }) => group)).toEqual([
    "failed",
    "succeeded",
  ]);
  expect((await series({ step: 3, groupBy: "key" })).points.map(({ group }) => group)).toEqual(["0", "1"]);
  await expect(series({ step: 1, filter: { fromUnixMs: 1n, toUnixMs: BigInt(startMs) } })).rejects.toMatchObject({
    code: "invalid_value",
    param: "step",
  });
  await expect(series({ filter: {} })).rejects.toMatchObject({ code: "invalid_value", param: "from" });
  await expect(series({ groupBy: "users" })).rejects.toMatchObject({ code: "invalid_value", param: "group_by" });
});
