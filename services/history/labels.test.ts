import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { RecordStatus, type TimePoint, TimeStep } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { labelHash, labelKinds } from "./db/labels.ts";
import { account, ended, key, startTestHistory } from "./testing.ts";
import { nodesOf, notePlans, type Plans } from "./testing-plans.ts";

/* Requests are found by what their clients call them: tags, end users, and IDs that are not ours. */

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 5, 21) - 1_000;
const other = 8n;
/** A request of so many days and seconds ago. */
const at = (days: number, seconds = 10): bigint => firstIdAt(nowMs - days * dayMs - seconds * 1_000);

let postgres: TestPostgres;
let plans: Plans;
let history: Awaited<ReturnType<typeof startTestHistory>>;

beforeAll(async () => {
  postgres = await testPostgres();
  plans = notePlans(postgres.url);
  history = await startTestHistory({
    url: postgres.url,
    config: { partitionMs: dayMs, payloadPartitionMs: dayMs, payloadRetentionMs: 0, retentionMs: 0 },
    deps: { nowMs: () => nowMs },
    context: { ...plans.readers, firstWindowMs: dayMs },
  });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
  await plans.close();
  await postgres.stop();
});

const owner = { accountId: account };
const get = (alias: string, whose: object = owner) =>
  history.client.getRecord({ owner: whose, alias, upstreamRequestId: alias }, history.options);
const list = async (filter: object, whose: object = owner, more: object = {}) => {
  const { records } = await history.client.listRecords({ owner: whose, filter, ...more }, history.options);
  return records.map(({ record }) => record?.requestId);
};
const notFound = expect.objectContaining({ code: "not_found" });

describe("an ID that is not ours", () => {
  test("leads to its request, used several times to the newest and to the others", async () => {
    const ids = [at(0), at(1), at(3)];
    for (const id of ids) await history.record(ended(id, { aliases: ["mine"], upstreamRequestId: "up" }));
    const { record, others } = await get("mine");
    expect([record?.record?.requestId, ...others]).toEqual(ids);
    expect(record?.record?.aliases).toEqual([]);
    expect((await get("up")).others).toEqual(ids.slice(1));
  });

  test("leads to one's own alone, and operators to all", async () => {
    const [own, others] = [at(0, 20), at(0, 21)];
    await history.record(ended(own, { aliases: ["shared"] }));
    await history.record(ended(others, { aliases: ["shared"], accountId: other }));
    expect((await get("shared")).others).toEqual([]);
    expect((await get("shared", { accountId: other })).record?.record?.requestId).toBe(others);
    expect((await get("shared", { operator: true })).others).toEqual([others]);
    await expect(get("shared", { ...owner, keyId: 71n })).rejects.toEqual(notFound);
    await expect(get("shared", { accountId: 9n })).rejects.toEqual(notFound);
  });

  test("leads to one that runs, and no longer to one that was deleted, which its owner alone is told", async () => {
    const id = at(0, 30);
    await history.record(ended(id, { aliases: ["running"], status: RecordStatus.PROCESSING, endUser: "eve" }));
    expect((await get("running")).record?.record).toMatchObject({ requestId: id, endUser: "eve" });
    await history.record(ended(id, { aliases: ["running"], endUser: "eve", updatedUnixUs: BigInt(nowMs) * 1_000n }));
    expect(await list({ endUser: "eve" })).toEqual([id]);
    await history.client.deleteRecords({ owner, requestIds: [id] }, history.options);
    await history.record(ended(id, { aliases: ["running"], endUser: "eve" }));
    await expect(get("running")).rejects.toEqual(notFound);
    expect(await list({ endUser: "eve" })).toEqual([]);
    const byId = (whose: object) =>
      history.client.getRecord({ owner: whose, requestId: id, tellsDeleted: true }, history.options);
    expect((await byId(owner)).record).toBeUndefined();
    await expect(byId({ accountId: other })).rejects.toEqual(notFound);
    const rows = await history.context.db.query(
      { name: "", sql: "select 1 from history.label where request_id = $1", idempotent: true },
      [id],
    );
    expect(rows).toEqual([]);
  });
});

describe("a list by labels", () => {
  const fields = { tags: ["team=search", "env:prod"], endUser: "alice" };
  const ids = [at(0, 40), at(2, 40), at(5, 40)];

  beforeAll(async () => {
    for (const [index, id] of ids.entries()) {
      await history.record(
        ended(id, { ...fields, keyId: index === 2 ? 71n : key, model: index === 1 ? "m" : "gpt-4o" }),
      );
    }
    await history.record(ended(at(0, 41), { tags: ["env:prod"] }));
    await history.record(ended(at(0, 42), { ...fields, accountId: other }));
  });

  test.each([
    ["a tag", { tag: "team=search" }, owner, ids],
    ["an end user", { endUser: "alice" }, owner, ids],
    ["both", { endUser: "alice", tag: "env:prod" }, owner, ids],
    ["a tag and a model", { tag: "team=search", model: "m" }, owner, ids.slice(1, 2)],
    ["a tag and a state", { tag: "team=search", statuses: [RecordStatus.FAILED] }, owner, []],
    ["a tag and another's user", { tag: "env:prod", endUser: "bob" }, owner, []],
    ["a tag, of one key", { tag: "team=search" }, { ...owner, keyId: 71n }, ids.slice(2)],
    ["a tag, of a user that has none", { tag: "team=search" }, { ...owner, userId: "u" }, []],
    ["a tag, of a time", { tag: "team=search", fromUnixMs: BigInt(nowMs - 3 * dayMs) }, owner, ids.slice(0, 2)],
  ])("by %s", async (_what, filter, whose, expected) => {
    expect(await list(filter, whose)).toEqual(expected);
    expect(await list(filter, whose, { ascending: true })).toEqual(expected.toReversed());
    const exported = await history.client.exportRecords({ owner: whose, filter }, history.options);
    expect(exported.records.map(({ record }) => record?.requestId).toSorted()).toEqual(expected.toSorted());
  });

  test("shows them, and goes on by its cursor", async () => {
    const asked = { owner, filter: { tag: "team=search" }, limit: 2 };
    const page = await history.client.listRecords(asked, history.options);
    expect(page.records[0]?.record).toMatchObject({ endUser: "alice", tags: ["env:prod", "team=search"] });
    const rest = await history.client.listRecords({ ...asked, cursor: page.nextCursor }, history.options);
    expect(rest.records.map(({ record }) => record?.requestId)).toEqual(ids.slice(2));
    expect(await list({ tag: "team=search" }, { operator: true })).toHaveLength(4);
  });
});

describe("however many others bear a label", () => {
  const perDay = 3_000;
  const sum = (filter: object, groupBy: string) => {
    const span = { fromUnixMs: BigInt(nowMs - 6 * dayMs), toUnixMs: BigInt(nowMs) };
    const asked = { owner, filter: { ...filter, ...span }, step: TimeStep.HOUR, groupBy };
    return history.client.getTimeseries(asked, history.options);
  };

  beforeAll(async () => {
    await history.record(ended(at(4, 50), { tags: ["common"], aliases: ["common"] }));
    const insert = (kind: number, value: string) =>
      `insert into history.label (request_id, account_id, hash, kind, value)
       select ((${nowMs - 1_562_889_600_000}::bigint - d * ${dayMs}::bigint - 60000 - n * 20) << 22) + ${kind}, ${other},
         ${labelHash(kind as 1, value)}, ${kind}, '${value}'
         from generate_series(0, 5) as d, generate_series(1, ${perDay}) as n`;
    for (const text of [
      insert(labelKinds.tag, "common"),
      insert(labelKinds.alias, "common"),
      "analyze history.label",
    ]) {
      await history.context.db.query({ name: "", sql: text, idempotent: true }, []);
    }
  });

  test.each([
    ["a list by a tag", () => list({ tag: "common" }), 60],
    ["a sum over time of a tag", () => sum({ tag: "common" }, ""), 60],
    ["a sum over time by tag", () => sum({}, "tag"), 120],
    ["an ID", () => get("common"), 60],
    ["an ID, for operators", () => get("common", { operator: true }).catch(() => undefined), 400],
  ])("%s reads no more than it must", async (_what, call, mostRows) => {
    const read = (await plans.of(call, { run: true }))
      .flatMap(nodesOf)
      .filter((node) => node["Relation Name"] !== undefined);
    const rows = read.reduce((sum, node) => {
      const each = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0);
      return sum + each * (node["Actual Loops"] ?? 1);
    }, 0);
    expect(rows).toBeLessThan(mostRows);
    expect(read.filter((node) => node["Node Type"] === "Seq Scan" && (node["Actual Rows"] ?? 0) > 100)).toEqual([]);
  });
});

describe("sums over time", () => {
  const [startMs, hourMs] = [nowMs - 40 * dayMs, 3_600_000];
  const own = 21n;
  const request = fc.record({
    seconds: fc.integer({ min: 0, max: 2 * 86_400 - 1 }),
    accountId: fc.constantFrom(own, 22n),
    keyId: fc.constantFrom(1n, 2n),
    model: fc.constantFrom("a", "b"),
    status: fc.constantFrom(RecordStatus.SUCCEEDED, RecordStatus.FAILED),
    endUser: fc.constantFrom("", "ann", "bob", "用户"),
    tags: fc.subarray(["red", "blue", "team=x"]),
    billedNanoUsd: fc.bigInt({ min: 0n, max: 2n ** 50n }),
  });
  const ask = fc.record({
    owner: fc.constantFrom({ accountId: own }, { accountId: own, keyId: 2n }, { operator: true }),
    step: fc.constantFrom(TimeStep.HOUR, TimeStep.DAY),
    groupBy: fc.constantFrom("user", "tag", "user", "tag", "", "model", "status"),
    tag: fc.constantFrom("", "red", "team=x", "none"),
    endUser: fc.constantFrom("", "ann", "用户"),
    model: fc.constantFrom("", "a"),
    hours: fc.tuple(fc.integer({ min: 0, max: 24 }), fc.integer({ min: 1, max: 24 })),
    /** With no time at all a page is a step. */
    seriesPageMs: fc.constantFrom(0, 60_000),
    /** Few enough to end within a step, or as many as an answer has otherwise. */
    seriesPagePoints: fc.constantFrom(1, 1, 2, 3, 2_501),
  });
  type Request = typeof request extends fc.Arbitrary<infer One> ? One : never;
  const statusName = (status: RecordStatus) => (status === RecordStatus.FAILED ? "failed" : "succeeded");
  const groupsOf = ({ model, status, endUser, tags }: Request): Record<string, readonly string[]> => ({
    ...{
      "": [""],
      model: [model],
      status: [statusName(status)],
      user: [endUser],
      tag: tags.length === 0 ? [""] : tags,
    },
  });
  /** All pages: each goes on with the first step, or the first group of it, that the one before does not have. */
  const allPoints = async (asked: {
    readonly filter: object;
    readonly [field: string]: unknown;
  }): Promise<TimePoint[]> => {
    const all: TimePoint[] = [];
    let after: { group: string; other: boolean } | undefined;
    for (let next = 0n, page = 0; page === 0 || next > 0n; page++) {
      const filter = { ...asked.filter, ...(next === 0n ? {} : { fromUnixMs: next }) };
      const { points, nextFromUnixMs, nextAfter } = await history.client.getTimeseries(
        { ...asked, filter, ...(after === undefined ? {} : { after }) },
        history.options,
      );
      const isBefore = ({ atUnixMs }: TimePoint) =>
        nextFromUnixMs === 0n || nextAfter !== undefined || atUnixMs < nextFromUnixMs;
      expect(points.every(isBefore)).toBe(true);
      all.push(...points);
      next = nextFromUnixMs;
      after = nextAfter;
      pages += 1;
      cuts += nextAfter === undefined ? 0 : 1;
    }
    return all;
  };
  let pages = 0;
  /** Pages that ended within a step. */
  let cuts = 0;
  const pointsOf = async (asked: {
    readonly filter: object;
    readonly [field: string]: unknown;
  }): Promise<[number, string, bigint, bigint, bigint][]> => {
    return (await allPoints(asked)).map(({ atUnixMs, group, requests, errors, billedNanoUsd }) => {
      return [Number(atUnixMs), group, requests, errors, billedNanoUsd];
    });
  };

  test("by and of end users and tags are what the requests came to", async () => {
    const requests = fc.sample(request, { numRuns: 120, seed: 11 });
    const timeMs = ({ seconds }: Request) => startMs + seconds * 1_000;
    await Promise.all(
      requests.map((one, n) =>
        history.record(ended(firstIdAt(timeMs(one)) + BigInt(n), { ...one, requestedModel: one.model })),
      ),
    );
    const property = fc.asyncProperty(
      ask,
      async ({ owner: whose, step, groupBy, tag, endUser, model, hours: [first, count], ...page }) => {
        Object.assign(history.context, page);
        const [fromMs, toMs] = [startMs + first * hourMs, startMs + (first + count) * hourMs];
        const stepMs = step === TimeStep.DAY ? dayMs : hourMs;
        const points = new Map<string, [number, string, bigint, bigint, bigint]>();
        for (const one of requests) {
          if ("accountId" in whose && one.accountId !== whose.accountId) continue;
          if ("keyId" in whose && one.keyId !== whose.keyId) continue;
          if (timeMs(one) < fromMs || timeMs(one) >= toMs || (model !== "" && one.model !== model)) continue;
          if ((tag !== "" && !one.tags.includes(tag)) || (endUser !== "" && one.endUser !== endUser)) continue;
          for (const group of groupsOf(one)[groupBy] ?? []) {
            const at = Math.floor(timeMs(one) / stepMs) * stepMs;
            const point = points.get(`${at} ${group}`) ?? [at, group, 0n, 0n, 0n];
            points.set(`${at} ${group}`, point);
            point[2] += 1n;
            point[3] += one.status === RecordStatus.FAILED ? 1n : 0n;
            point[4] += one.billedNanoUsd;
          }
        }
        const filter = { fromUnixMs: BigInt(fromMs), toUnixMs: BigInt(toMs), tag, endUser, model };
        const order = (list: [number, string, ...unknown[]][]) =>
          list.toSorted((a, b) => a[0] - b[0] || Buffer.compare(Buffer.from(a[1]), Buffer.from(b[1])));
        expect(order(await pointsOf({ owner: whose, filter, step, groupBy }))).toEqual(order([...points.values()]));
      },
    );
    await fc.assert(property, { numRuns: Number(process.env.RUNS ?? 60) });
    expect(pages).toBeGreaterThan(2 * 60);
    Object.assign(history.context, { seriesPageMs: 60_000, seriesPagePoints: 2_501 });
  });

  test("tell a thousand tags of an hour apart, and put the others together", async () => {
    const atMs = Math.floor((nowMs - 50 * dayMs) / hourMs) * hourMs;
    const requests = Array.from({ length: 1_020 }, (_, n) => ({ n, tags: [`t${n}`, "every"] }));
    await Promise.all(
      requests.map(({ n, tags }) =>
        history.record(ended(firstIdAt(atMs) + BigInt(n), { accountId: 23n, tags, billedNanoUsd: 1n })),
      ),
    );
    const filter = { fromUnixMs: BigInt(atMs), toUnixMs: BigInt(atMs + hourMs) };
    const asked = { owner: { accountId: 23n }, filter, step: TimeStep.HOUR, groupBy: "tag" };
    const { points } = await history.client.getTimeseries(asked, history.options);
    expect(points).toHaveLength(1_001);
    // The same in pages, all of one step.
    cuts = 0;
    Object.assign(history.context, { seriesPagePoints: 300 });
    expect(await allPoints(asked)).toEqual(points);
    Object.assign(history.context, { seriesPagePoints: 2_501 });
    expect(cuts).toBe(3);
    expect(points.find(({ group }) => group === "every")).toMatchObject({ requests: 1_020n, billedNanoUsd: 1_020n });
    expect(points.filter(({ other: isOther }) => isOther)).toMatchObject([
      { group: "", requests: 21n, billedNanoUsd: 21n },
    ]);
    expect(points.some(({ group }) => group === "t1000")).toBe(false);
  });
});

describe("what a request said", () => {
  const keep = (requestId: bigint, content: string, accountId = account) =>
    history.client.keepRequest({ requestId, accountId, content: Buffer.from(content) }, history.options);
  const read = async (requestId: bigint, whose: object = owner, withRequest = true) => {
    const asked = { owner: whose, requestId, withRequest };
    const { request, requestTruncated } = await history.client.getRecord(asked, history.options);
    return [Buffer.from(request).toString(), requestTruncated];
  };

  test("is kept before or behind its record, given where it is asked for, and deleted with it", async () => {
    const [first, second] = [at(0, 70), at(9, 70)];
    await keep(first, '{"messages":["hidden"]}');
    await keep(first, '{"another":true}');
    for (const id of [first, second]) await history.record(ended(id));
    await keep(second, '{"messages":[]}');
    expect(await read(first)).toEqual(['{"messages":["hidden"]}', false]);
    expect(await read(first, owner, false)).toEqual(["", false]);
    expect(await read(second)).toEqual(['{"messages":[]}', false]);
    await expect(read(first, { accountId: other })).rejects.toEqual(notFound);
    await history.client.deleteRecords({ owner, requestIds: [first] }, history.options);
    await keep(first, '{"late":true}');
    const sql = "select request_id from history.request where request_id in ($1, $2)";
    const rows = await history.context.db.query<{ request_id: bigint }>({ name: "", sql, idempotent: true }, [
      first,
      second,
    ]);
    expect(rows.map(({ request_id }) => request_id)).toEqual([second]);
  });

  test("of another account is not shown with a record, whatever was sent", async () => {
    const id = at(0, 71);
    await keep(id, '{"of":"another"}', other);
    await history.record(ended(id));
    expect(await read(id)).toEqual(["", false]);
  });

  test("is bounded, its media are replaced, and nonsense is refused", async () => {
    const id = at(0, 72);
    await history.record(ended(id));
    const image = `data:image/png;base64,${Buffer.alloc(9_000, 7).toString("base64")}`;
    await keep(id, JSON.stringify({ image, text: "x".repeat(2_000_000) }));
    const [said, truncated] = await read(id);
    expect([truncated, String(said).length < 1_100_000, String(said)]).toEqual([
      true,
      true,
      expect.stringContaining("sha256:"),
    ]);
    await expect(keep(id, "")).rejects.toMatchObject({ code: "invalid_value", param: "content" });
    await expect(keep(0n, "{}")).rejects.toMatchObject({ code: "invalid_value", param: "request_id" });
  });

  test("goes by its own retention", async () => {
    const { clean } = await import("./jobs/retention.ts");
    const retention = { retentionMs: 0, payloadRetentionMs: 0, requestRetentionMs: 8 * dayMs, deleteBeforeMs: nowMs };
    await clean(history.context, retention);
    const sql = "select count(*)::integer as kept from history.request where request_id < $1";
    expect(await history.context.db.query({ name: "", sql, idempotent: true }, [at(8)])).toEqual([{ kept: 0 }]);
    expect((await read(at(0, 72)))[0]).not.toBe("");
  });
});
