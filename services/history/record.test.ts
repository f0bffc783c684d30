import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { statement } from "../../shared/db/index.ts";
import {
  DetailSchema,
  type Record as HistoryRecord,
  RecordSchema,
  RecordStatus,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { account, ended, startTestHistory } from "./testing.ts";

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory({ config: { maxResponseBytes: 100_000 } });
});

afterAll(async () => {
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };
let serial = firstIdAt(Date.now());
const nextId = (): bigint => serial++;

async function stored(requestId: bigint) {
  const { record } = await history.client.getRecord({ owner, requestId }, history.options);
  if (record?.record === undefined) throw new Error("no record");
  return { ...record, record: record.record };
}

const text = (record: HistoryRecord): string => Buffer.from(record.response).toString();

test("pages under an end_time that is past stand still while requests arrive and others end", async () => {
  const of = { accountId: 78n };
  const atMs = Date.UTC(2026, 5, 14, 12);
  const at = (n: number) => firstIdAt(atMs + n * 100);
  const fields = { accountId: 78n };
  for (let n = 0; n < 60; n++) {
    const status = n % 3 === 0 ? RecordStatus.PROCESSING : RecordStatus.SUCCEEDED;
    await history.record({ ...ended(at(n)), ...fields, status });
  }
  const seen: bigint[] = [];
  for (let page = 1, more = true; more; page++) {
    const asked = { owner: of, page, pageSize: 7, endUnixMs: BigInt(atMs + 6_000) };
    const { records, hasMore } = await history.client.queryRecords(asked, history.options);
    for (const { record } of records) seen.push(record?.requestId ?? 0n);
    more = hasMore;
    // One arrives, and one that ran ends.
    await history.record({ ...ended(at(60 + page)), ...fields });
    await history.record({ ...ended(at(60 - 3 * page)), ...fields });
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => at(59 - n)));
});

describe("what cannot be stored as it is", () => {
  test("is stored repaired and marked, and its batch with it", async () => {
    const [bad, worse, good] = [nextId(), nextId(), nextId()];
    const answers = await Promise.all([
      history.record(ended(bad, { userId: "a\0b", channel: "\ud800", errorMessage: "\0", model: "m\0" })),
      history.record(
        ended(worse, {
          durationUs: (1n << 64n) - 1n,
          httpStatus: 4_000_000_000,
          response: Buffer.from([0xff, 0x00, 0x41]),
          detail: create(DetailSchema, { notes: ["lone \udc00 surrogate", "nul \0"] }),
        }),
      ),
      history.record(ended(good)),
    ]);
    expect(answers.map(({ repaired }) => repaired)).toEqual([true, true, false]);
    expect((await stored(bad)).repaired).toBe(true);
    expect((await stored(bad)).record).toMatchObject({
      userId: "a\ufffdb",
      channel: "\ufffd",
      errorMessage: "\ufffd",
      model: "m\ufffd",
    });
    expect((await stored(worse)).record).toMatchObject({ durationUs: (1n << 63n) - 1n, httpStatus: 0 });
    expect(text((await stored(worse)).record)).toBe("\ufffd\0A");
    expect((await stored(good)).repaired).toBe(false);
  });

  test("is found by its owner under the name as it was sent", async () => {
    const id = nextId();
    const userId = `u\0${"x".repeat(300)}`;
    await history.record(ended(id, { userId }));
    const found = await history.client.queryRecords(
      { owner: { ...owner, userId }, page: 1, pageSize: 10 },
      history.options,
    );
    expect(found.records.map((one) => one.record?.requestId)).toEqual([id]);
  });
});

describe("an answer", () => {
  test("beyond the size is cut where it is long, and says so", async () => {
    const id = nextId();
    const answer = { choices: [{ message: { content: "word ".repeat(60_000) } }], usage: { total_tokens: 12 } };
    await history.record(ended(id, { response: Buffer.from(JSON.stringify(answer)), storeResponse: 1 }));
    const { record } = await stored(id);
    expect(record.responseTruncated).toBe(true);
    expect(record.response.length).toBeLessThanOrEqual(100_000);
    expect(JSON.parse(text(record))).toMatchObject({ usage: { total_tokens: 12 } });
    expect(text(record)).toContain("more characters cut]");
  });

  test("is kept, shortened or left out as the account wants it", async () => {
    const response = Buffer.from(JSON.stringify({ content: "word ".repeat(2_000), usage: 1 }));
    const ids = [nextId(), nextId(), nextId()] as const;
    const expression = "{usage: usage}";
    await Promise.all(
      ids.map((id, index) =>
        history.record(
          ended(id, { response, storeResponse: (index + 1) as 1 | 2 | 3, customResponseExpression: expression }),
        ),
      ),
    );
    const [full, truncated, none] = await Promise.all(ids.map(stored));
    expect(text(full?.record as HistoryRecord)).toBe(response.toString());
    expect(truncated?.record.responseTruncated).toBe(true);
    expect(truncated?.record.response.length).toBeLessThanOrEqual(4_096);
    expect(truncated?.customResponseJson).toBe('{"usage":1}');
    expect(none?.record.response).toHaveLength(0);
    expect(none?.customResponseJson).toBe("");
  });

  test("of images keeps their digests", async () => {
    const id = nextId();
    const b64_json = `iVBORw0KGgo${"A".repeat(4_000)}`;
    await history.record(ended(id, { response: Buffer.from(JSON.stringify({ data: [{ b64_json }] })) }));
    expect(JSON.parse(text((await stored(id)).record))).toMatchObject({
      data: [{ b64_json: expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:[0-9a-f]{64}\]$/) as string }],
    });
  });

  test("gives custom_response by its strategy's expression; one that fails leaves a note", async () => {
    const [good, bad] = [nextId(), nextId()];
    const response = Buffer.from('{"data":[{"url":"https://a"}]}');
    await history.record(ended(good, { response, customResponseExpression: "{image_urls: data[].url}" }));
    await history.record(ended(bad, { response, customResponseExpression: "data[" }));
    expect(JSON.parse((await stored(good)).customResponseJson)).toEqual({ image_urls: ["https://a"] });
    expect((await stored(bad)).customResponseJson).toBe("");
    expect((await stored(bad)).record.detail?.notes.join()).toMatch(/custom_response: /);
  });

  test("whose expression takes its time waits alone: the records that came with it are stored", async () => {
    const made = Promise.withResolvers<{ json: string }>();
    const customResponses = { make: () => made.promise, stop: async () => undefined };
    await using own = await startTestHistory({ url: history.url, context: { customResponses } });
    const [slow, quick] = [nextId(), nextId()];
    const response = Buffer.from("{}");
    const both = [
      own.record(ended(slow, { response, customResponseExpression: "{a: @}" })),
      own.record(ended(quick, { response })),
    ];
    await vi.waitFor(() => stored(quick));
    await expect(stored(slow)).rejects.toMatchObject({ code: "not_found" });
    made.resolve({ json: '{"a":1}' });
    await Promise.all(both);
    expect((await stored(slow)).customResponseJson).toBe('{"a":1}');
  });

  test("of many megabytes on one page is cut to a size that all have, and whole alone", async () => {
    const of = { accountId: 77n };
    const ids = Array.from({ length: 30 }, nextId);
    const noise = (n: number): string =>
      Array.from({ length: 9_000 }, (_, k) => ((k * 7919 + n) % 1_000_003).toString(36)).join(" ");
    const sizes = ids.map((_, n) => JSON.stringify({ n, content: noise(n) }));
    await Promise.all(
      ids.map((id, n) => history.record({ ...ended(id), accountId: 77n, response: Buffer.from(sizes[n] ?? "") })),
    );
    const small = await startTestHistory({ url: history.url, context: { payloadBudgetBytes: 200_000 } });
    const page = await small.client.queryRecords({ owner: of, page: 1, pageSize: 30 }, history.options);
    expect(page.records.map(({ record }) => record?.requestId)).toEqual(ids.toReversed());
    const sum = page.records.reduce((total, { record }) => total + (record?.response.length ?? 0), 0);
    expect(sum).toBeLessThanOrEqual(200_000);
    for (const { record } of page.records) {
      expect(record?.responseTruncated).toBe(true);
      expect(JSON.parse(text(record as HistoryRecord))).toMatchObject({
        content: expect.stringContaining("cut]") as string,
      });
    }
    // A listing for export cuts its pages instead.
    const listed = await small.client.listRecords(
      { owner: of, limit: 30, withPayload: true, ascending: true },
      history.options,
    );
    expect(listed.records.length).toBeLessThan(30);
    expect(listed.records.length).toBeGreaterThan(0);
    expect(listed.nextCursor).toBe(listed.records.at(-1)?.record?.requestId);
    expect(listed.records.every(({ record }) => record?.responseTruncated === false)).toBe(true);
    await small[Symbol.asyncDispose]();
  });
});

describe("details", () => {
  test("already encoded by the sender are stored as they came", async () => {
    const id = nextId();
    const detail = create(DetailSchema, { traceId: "t", notes: ["one"] });
    await history.record(ended(id, { detailBytes: toBinary(DetailSchema, detail) }));
    expect((await stored(id)).record.detail).toEqual(detail);
    expect((await stored(id)).record.detailBytes).toHaveLength(0);
  });

  const encoded = (said: object) => ({ detailBytes: toBinary(DetailSchema, create(DetailSchema, said)) });
  const plain = (said: object) => ({ detail: create(DetailSchema, said) });
  test.each([
    ["encoded after encoded", encoded, encoded],
    ["encoded after plain", plain, encoded],
    ["plain after encoded", encoded, plain],
    ["plain after plain", plain, plain],
  ])("of a reconstructed record take the place of those of the running one: %s", async (_case, first, second) => {
    const id = nextId();
    await history.record({ ...ended(id, first({ traceId: "early" })), status: RecordStatus.PROCESSING });
    await history.record({ ...ended(id, second({ traceId: "late" })), reconstructed: true });
    expect((await stored(id)).record.detail).toMatchObject({ traceId: "late" });
  });

  test.each([
    ["encoded", encoded],
    ["plain", plain],
  ])("of the running record stay where the reconstructed one has none: %s", async (_case, first) => {
    const id = nextId();
    await history.record({ ...ended(id, first({ traceId: "early" })), status: RecordStatus.PROCESSING });
    await history.record({ ...ended(id), detail: undefined, reconstructed: true });
    expect((await stored(id)).record.detail).toMatchObject({ traceId: "early" });
  });
});

describe("a batch", () => {
  test("is two statements at most, however many records it has", async () => {
    // Long enough for all of them to come along, however busy the machine.
    const counted = await startTestHistory({ url: history.url, config: { lingerMs: 500 } });
    const { context } = counted;
    // The values that records share are known from the first record on.
    await counted.record(ended(nextId()));
    await counted.record({ ...ended(nextId()), status: RecordStatus.PROCESSING });
    const before = context.db.statements;
    await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        counted.record({ ...ended(nextId()), status: n % 3 === 0 ? RecordStatus.PROCESSING : RecordStatus.SUCCEEDED }),
      ),
    );
    expect(context.db.statements - before).toBe(2);
    await counted[Symbol.asyncDispose]();
  });

  test("of which nothing is known yet does without the function that looks at each record", async () => {
    await using plain = await startTestHistory();
    const { db } = plain.context;
    await db.query(statement("test.without", "drop routine history.put_records_each"), []);
    const ids = [nextId(), nextId(), nextId()];
    await plain.record({ ...ended(ids[1] ?? 0n), status: RecordStatus.PROCESSING });
    await Promise.all(ids.map((id) => plain.record({ ...ended(id), response: Buffer.from("{}") })));
    const counted = `select (select count(*) from history.record) as records, (select count(*) from history.payload) as payloads,
      (select count(*) from history.unfinished) as unfinished, (select count(*) from history.record where stored > 0) as numbered`;
    expect(await db.query(statement("test.counted", counted), [])).toEqual([
      { records: 3n, payloads: 3n, unfinished: 0n, numbered: 3n },
    ]);
    // One that is known is not plain.
    await expect(plain.record(ended(ids[0] ?? 0n))).rejects.toThrow();
  });

  test("that lingers goes with a record that somebody waits for, and when one of it is asked for", async () => {
    await using patient = await startTestHistory({ url: history.url, config: { lingerMs: 600_000 } });
    const of = (id: bigint) => ended(id, { accountId: 79n });
    const lingering = [nextId(), nextId()];
    const first = patient.record(of(lingering[0] ?? 0n));
    const waited = { record: create(RecordSchema, of(nextId())), waited: true };
    await patient.client.record.call(waited, patient.options);
    await first;
    const second = patient.record(of(lingering[1] ?? 0n));
    const ask = () =>
      patient.client.getRecord({ owner: { accountId: 79n }, requestId: lingering[1] ?? 0n }, patient.options);
    await expect(ask()).rejects.toMatchObject({ code: "not_found" });
    await second;
    expect((await ask()).record).toBeDefined();
  });

  test("of several replicas with the same requests ends with each once", async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => startTestHistory({ url: history.url })));
    const ids = Array.from({ length: 120 }, nextId);
    await Promise.all(
      replicas.flatMap((replica, r) =>
        (r % 2 === 0 ? ids : ids.toReversed()).flatMap((id) => [
          replica.record({ ...ended(id), accountId: 88n, status: RecordStatus.PROCESSING }),
          replica.record({ ...ended(id, { model: `new-model-${r}` }), accountId: 88n }),
          replica.record({ ...ended(id), accountId: 88n, status: RecordStatus.FAILED, reconstructed: true }),
        ]),
      ),
    );
    const page = await history.client.queryRecords(
      { owner: { accountId: 88n }, page: 1, pageSize: 1_000 },
      history.options,
    );
    expect(page.records.map(({ record }) => record?.requestId)).toEqual(ids.toReversed());
    expect(page.records.every(({ record }) => record?.status === RecordStatus.SUCCEEDED)).toBe(true);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  });
});
