import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { fromParts, toParts } from "../../shared/request-id.ts";
import { createdUnixUs } from "./domain/times.ts";
import { startTestHistory } from "./testing.ts";

/**
 * History against a model that knows nothing of partitions, windows and indexes: a map of what was sent, filtered and
 * sliced. Requests lie within a few milliseconds of the edges of partitions, so that ranges and windows cut them apart.
 */

const nowMs = Date.UTC(2026, 5, 15, 12);
const dayMs = 86_400_000;

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory({
    config: { partitionMs: dayMs, payloadPartitionMs: dayMs / 2, retentionMs: 0, payloadRetentionMs: 0 },
    deps: { nowMs: () => nowMs },
    context: { firstWindowMs: dayMs, entriesAtOnce: 2 },
  });
});
afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

interface Sent {
  requestId: bigint;
  accountId: bigint;
  keyId: bigint;
  userId: string;
  fromAppserver: boolean;
  status: RecordStatus;
  reconstructed: boolean;
  updatedUnixUs: bigint;
  model: string;
  channel: string;
  within: number;
}

type Step =
  | { kind: "record"; sent: Sent[] }
  | { kind: "delete"; scope: Asker; ids: bigint[] }
  | {
      kind: "query";
      scope: Asker;
      page: number;
      pageSize: number;
      statuses: RecordStatus[];
      fromAppserver: boolean | undefined;
      start: number;
      end: number;
    }
  | {
      kind: "list";
      scope: Asker;
      limit: number;
      ascending: boolean;
      model: string;
      channel: string;
      userId: string;
      keyId: bigint;
      statuses: RecordStatus[];
      prefix: number;
    };

interface Asker {
  accountId: bigint;
  userId: string;
  keyId: bigint;
}

const moments = [0, 1, 2, dayMs / 2, dayMs / 2 + 1, dayMs, 3 * dayMs, 3 * dayMs + 1, 40 * dayMs].map(
  (ago) => nowMs - ago,
);
const someId = fc
  .record({ unixMs: fc.constantFrom(...moments), node: fc.nat(1), sequence: fc.nat(2) })
  .map((parts) => fromParts(parts));
const someStatus = fc.constantFrom(
  RecordStatus.PENDING,
  RecordStatus.QUEUEING,
  RecordStatus.PROCESSING,
  RecordStatus.SUCCEEDED,
  RecordStatus.FAILED,
);
const someAsker: fc.Arbitrary<Asker> = fc.record({
  accountId: fc.constantFrom(1n, 2n),
  userId: fc.constantFrom("", "", "ann", "bob"),
  keyId: fc.constantFrom(0n, 0n, 10n, 11n),
});
const someRecord: fc.Arbitrary<Sent> = fc
  .record({
    requestId: someId,
    status: someStatus,
    reconstructed: fc.boolean(),
    later: fc.nat(3),
    model: fc.constantFrom("a", "b"),
    channel: fc.constantFrom("x", "y"),
  })
  .map(({ later, status, reconstructed, requestId, ...rest }) => {
    // The owner of a request never changes here: it follows from the ID. So does its microsecond, which is 0 for some.
    const seed = Number(requestId >> 12n) + toParts(requestId).sequence;
    const within = seed % 3 === 0 ? 0 : 500;
    return {
      ...rest,
      requestId,
      status,
      reconstructed: reconstructed && status >= RecordStatus.SUCCEEDED,
      accountId: BigInt(1 + (seed % 2)),
      keyId: BigInt(10 + (seed % 3 === 1 ? 1 : 0)),
      userId: ["", "ann", "bob"][seed % 3] ?? "",
      fromAppserver: seed % 4 === 0,
      updatedUnixUs: createdUnixUs(requestId, within) + BigInt(later),
      within,
    };
  });
const someStatuses: fc.Arbitrary<RecordStatus[]> = fc.oneof(
  fc.constant<RecordStatus[]>([]),
  fc.uniqueArray(someStatus, { maxLength: 3 }),
);
const someBound = fc.oneof(fc.constant(0), fc.constantFrom(...moments, ...moments.map((ms) => ms + 1)));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      sent: fc.array(someRecord, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete" as const),
      scope: someAsker,
      ids: fc.array(someId, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("query" as const),
      scope: someAsker,
      page: fc.integer({ min: 1, max: 4 }),
      pageSize: fc.integer({ min: 1, max: 4 }),
      statuses: someStatuses,
      fromAppserver: fc.constantFrom(undefined, undefined, true, false),
      start: someBound,
      end: someBound,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("list" as const),
      scope: someAsker,
      limit: fc.integer({ min: 1, max: 5 }),
      ascending: fc.boolean(),
      model: fc.constantFrom("", "", "a", "never"),
      channel: fc.constantFrom("", "", "", "x"),
      userId: fc.constantFrom("", "", "ann"),
      keyId: fc.constantFrom(0n, 0n, 10n),
      statuses: someStatuses,
      prefix: fc.constantFrom(0, 0, 3, 6, 18),
    }),
  },
);

/** What each run begins with: enough for several pages on either side of a partition's edge. */
const stock = fc.array(someRecord, { minLength: 20, maxLength: 60 });

/** What each run ends with: all that either account has, in two ways of walking there. */
const everything: Step[] = [1n, 2n].flatMap((accountId) =>
  [1, 2, 3].map((page) => ({
    kind: "query" as const,
    scope: { accountId, userId: "", keyId: 0n },
    page,
    pageSize: 9,
    statuses: [],
    fromAppserver: undefined,
    start: 0,
    end: 0,
  })),
);

/** What is known of each request, and what was deleted. */
class Model {
  readonly records = new Map<bigint, Sent>();
  readonly deleted = new Map<bigint, Asker[]>();

  record(sent: Sent): void {
    if (this.deleted.get(sent.requestId)?.some((asker) => sees(asker, sent))) return;
    const held = this.records.get(sent.requestId);
    if (held !== undefined && !isLater(sent, held)) return;
    this.records.set(sent.requestId, sent);
  }

  delete(asker: Asker, ids: readonly bigint[]): number {
    let deleted = 0;
    for (const id of new Set(ids)) {
      const held = this.records.get(id);
      if (held !== undefined && !sees(asker, held)) continue;
      // An ID nobody knows is remembered for an hour: the model's other moments are older.
      if (held === undefined && nowMs - toParts(id).unixMs > 3_600_000) continue;
      if (held !== undefined) deleted++;
      this.records.delete(id);
      this.deleted.set(id, [...(this.deleted.get(id) ?? []), asker]);
    }
    return deleted;
  }

  ids(asker: Asker, keep: (sent: Sent) => boolean): bigint[] {
    const seen = [...this.records.values()].filter((sent) => sees(asker, sent) && keep(sent));
    return seen.map((sent) => sent.requestId).sort((a, b) => (a < b ? 1 : -1));
  }
}

function sees({ accountId, userId, keyId }: Asker, sent: Sent): boolean {
  return (
    accountId === sent.accountId && (userId === "" || userId === sent.userId) && (keyId === 0n || keyId === sent.keyId)
  );
}

function isLater(next: Sent, held: Sent): boolean {
  const rank = ({ status, reconstructed }: Sent): number =>
    status < RecordStatus.SUCCEEDED ? status : reconstructed ? 10 : 11;
  if (rank(next) !== rank(held)) return rank(next) > rank(held);
  return next.updatedUnixUs > held.updatedUnixUs;
}

/** Each run has accounts of its own, so that one database serves all. */
let run = 0;
const shift = (accountId: bigint): bigint => accountId + BigInt(run) * 100n;
const owner = ({ accountId, userId, keyId }: Asker) => ({
  accountId: shift(accountId),
  userId,
  keyId: keyId === 0n ? 0n : shift(keyId),
});
/** The IDs of a run are moved by whole nodes for the same reason. */
const moved = (id: bigint): bigint => id + BigInt(run % 500) * 2n * 4096n;

async function apply(model: Model, step: Step): Promise<void> {
  const { client, options } = history;
  if (step.kind === "record") {
    for (const sent of step.sent) model.record(sent);
    await Promise.all(
      step.sent.map(({ within, ...sent }) =>
        history.record({
          ...sent,
          requestId: moved(sent.requestId),
          accountId: shift(sent.accountId),
          keyId: shift(sent.keyId),
          createdUnixUs: createdUnixUs(sent.requestId, within),
        }),
      ),
    );
    return;
  }
  if (step.kind === "delete") {
    const expected = model.delete(step.scope, step.ids);
    const answer = await client.deleteRecords({ owner: owner(step.scope), requestIds: step.ids.map(moved) }, options);
    expect(answer.deleted).toBe(expected);
    return;
  }
  if (step.kind === "query") {
    const { scope, page, pageSize, statuses, fromAppserver, start, end } = step;
    const all = model.ids(scope, (sent) => {
      const created = createdUnixUs(sent.requestId, sent.within);
      if (start !== 0 && created <= BigInt(start) * 1_000n) return false;
      if (end !== 0 && created >= BigInt(end) * 1_000n) return false;
      if (fromAppserver !== undefined && sent.fromAppserver !== fromAppserver) return false;
      return statuses.length === 0 || statuses.includes(sent.status);
    });
    const answer = await client.queryRecords(
      {
        owner: owner(scope),
        page,
        pageSize,
        statuses,
        startUnixMs: BigInt(start),
        endUnixMs: BigInt(end),
        ...(fromAppserver === undefined ? {} : { fromAppserver }),
      },
      options,
    );
    const expected = all.slice((page - 1) * pageSize, page * pageSize);
    expect(answer.records.map((stored) => stored.record?.requestId)).toEqual(expected.map(moved));
    expect(answer.hasMore).toBe(all.length > page * pageSize);
    for (const { record } of answer.records) {
      const sent = [...model.records.values()].find(({ requestId }) => moved(requestId) === record?.requestId);
      expect(record).toMatchObject({
        status: sent?.status,
        model: sent?.model,
        updatedUnixUs: sent?.updatedUnixUs ?? 0n,
      });
    }
    return;
  }
  const { scope, limit, ascending, model: name, channel, userId, keyId, statuses, prefix } = step;
  const [newest = 0n] = model.ids(scope, () => true);
  const idText = prefix === 0 ? "" : moved(newest).toString().slice(0, prefix);
  const all = model.ids(scope, (sent) => {
    if (name !== "" && sent.model !== name) return false;
    // The channel of a request that runs is not known to lists.
    if (channel !== "" && (sent.channel !== channel || sent.status < RecordStatus.SUCCEEDED)) return false;
    if (userId !== "" && sent.userId !== userId) return false;
    if (keyId !== 0n && sent.keyId !== keyId) return false;
    return (
      (statuses.length === 0 || statuses.includes(sent.status)) &&
      moved(sent.requestId)
        .toString()
        .startsWith(idText === "0" ? "x" : idText)
    );
  });
  const expected = (ascending ? all.toReversed() : all).map(moved);
  const listed: (bigint | undefined)[] = [];
  for (let cursor = 0n, calls = 0; calls < 60; calls++) {
    const answer = await client.listRecords(
      {
        owner: owner(scope),
        cursor,
        limit,
        ascending,
        filter: { model: name, channel, userId, keyId: keyId === 0n ? 0n : shift(keyId), statuses, idText },
      },
      options,
    );
    listed.push(...answer.records.map((stored) => stored.record?.requestId));
    cursor = answer.nextCursor;
    if (cursor === 0n) break;
  }
  expect(listed).toEqual(expected);
}

test("answers are those of a naive model, over arrivals, deletions, filters and pages", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(stock, fc.array(step, { minLength: 8, maxLength: 20 }), async (sent, steps) => {
      run++;
      const model = new Model();
      for (const one of [{ kind: "record" as const, sent }, ...steps, ...everything]) await apply(model, one);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

test.each([
  ["that run", RecordStatus.PROCESSING],
  ["that have ended", RecordStatus.SUCCEEDED],
])("a page since a moment misses none of those %s behind more that began with it than it holds", async (_, status) => {
  run++;
  const model = new Model();
  const sent = Array.from({ length: 12 }, (_, sequence): Sent => {
    // The last ones by ID began with the moment's first microsecond, and are not after it.
    const within = sequence < 6 ? 500 : 0;
    return {
      ...{ requestId: fromParts({ unixMs: nowMs, node: 0, sequence }), status, within, reconstructed: false },
      ...{ accountId: 1n, keyId: 10n, userId: "", fromAppserver: false, model: "a", channel: "x" },
      updatedUnixUs: BigInt(nowMs) * 1_000n,
    };
  });
  await apply(model, { kind: "record", sent });
  const scope = { accountId: 1n, userId: "", keyId: 0n };
  const asked = {
    kind: "query",
    scope,
    pageSize: 4,
    statuses: [],
    fromAppserver: undefined,
    start: nowMs,
    end: 0,
  } as const;
  for (const page of [1, 2]) await apply(model, { ...asked, statuses: [], page });
});
