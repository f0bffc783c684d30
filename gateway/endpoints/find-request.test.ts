import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GetRecordRequest } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt, formatRequestId, traceIdOf } from "../../shared/request-id.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { startTestGateway, type TestGateway } from "../testing.ts";
import { clientOf, failure } from "../trpc/testing.ts";
import { requestOfTrace } from "./find-request.ts";

/* An ID that may have been issued a moment ago is never "no such request": its record is waited for, or said to be on its way. */

let gateway: TestGateway;
/** Records by the ID that they are found by, each after so many looks. */
const stored = new Map<string, { requestId: bigint; after: number; deleted?: true; others?: bigint[] }>();
const looks: string[] = [];

beforeAll(async () => {
  gateway = await startTestGateway({
    history: {
      getRecord: unaryHandler(async ({ requestId, alias }: GetRecordRequest) => {
        const name = requestId === 0n ? alias : requestId.toString();
        const found = stored.get(name);
        const before = looks.filter((look) => look === name).length;
        looks.push(name);
        if (found === undefined || before < found.after) throw new ThroughlineError("not_found", "None.");
        if (found.deleted) return {};
        return { record: { record: { requestId: found.requestId, accountId: 1n } }, others: found.others ?? [] };
      }),
    },
  });
});
beforeEach(() => {
  stored.clear();
  looks.length = 0;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const lookUp = async (text: string) => {
  const response = await gateway.call(`/v1/requests/${text}`);
  const body = (await response.json()) as Record<string, unknown> & { error?: { message: string } };
  return { status: response.status, body, retryAfter: response.headers.get("retry-after") };
};

test("a record that is on its way is waited for, by whatever ID of ours", async () => {
  const requestId = gateway.ids.next();
  const spellings = [
    requestId.toString(),
    formatRequestId(requestId, "stamped"),
    `chatcmpl-${requestId}`,
    ...["cmpl-", "msg_", "resp_", "rerank-", "modr-", "batch_req_", "job_"].map((prefix) => `${prefix}${requestId}`),
    ...["msg", "rs", "fc", "ctc", "ig", "in"].map((prefix) => `${prefix}_${requestId}_7`),
    traceIdOf(requestId),
  ];
  for (const text of spellings) {
    looks.length = 0;
    stored.set(requestId.toString(), { requestId, after: 2 });
    const { status, body } = await lookUp(text);
    expect([text, status, body.id]).toEqual([text, 200, requestId.toString()]);
  }
});

test("one that does not come within two seconds is said to be on its way, and when to ask again", async () => {
  const requestId = gateway.ids.next();
  const startMs = performance.now();
  const [http, refused, found] = await Promise.all([
    lookUp(requestId.toString()),
    failure(() => clientOf(gateway, "api").requests.get.query({ id: requestId.toString() })),
    clientOf(gateway, "api").requests.find.query({ id: requestId.toString() }),
  ]);
  expect(http).toMatchObject({ status: 202, retryAfter: "1", body: { id: requestId.toString(), on_its_way: true } });
  expect(refused.data).toMatchObject({ code: "not_found", retry_after_ms: 1_000 });
  expect(found).toMatchObject({ request: null, others: [], on_its_way: true, retry_after_ms: 1_000 });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_900);
});

test.each([
  ["of an hour ago", () => firstIdAt(Date.now() - 3_600_000).toString()],
  ["of tomorrow", () => firstIdAt(Date.now() + 86_400_000).toString()],
  ["that is none", () => "what-is-this"],
])("an ID %s is unknown at once, and it is said what IDs look like", async (_what, id) => {
  const text = id();
  const { status, body } = await lookUp(text);
  expect([status, body.error?.message]).toEqual([
    404,
    expect.stringMatching(/An ID is a number .* trace \(32 hex digits\)/),
  ]);
  expect(looks.length).toBeLessThanOrEqual(5);
  expect(await clientOf(gateway, "api").requests.find.query({ id: text })).toMatchObject({
    ...{ request: null, on_its_way: false, hint: expect.stringContaining("An ID is") },
  });
});

test("one's own that was deleted is unknown at once", async () => {
  const requestId = gateway.ids.next();
  stored.set(requestId.toString(), { requestId, after: 0, deleted: true });
  expect((await lookUp(requestId.toString())).status).toBe(404);
  expect(looks).toEqual([requestId.toString(), requestId.toString()].slice(0, 1).concat(requestId.toString()));
});

test("a client's own ID leads to the newest of its requests, and names the others", async () => {
  const [older, newer] = [gateway.ids.next(), gateway.ids.next()];
  stored.set("mine", { requestId: newer, after: 1, others: [older] });
  expect((await lookUp("mine")).body).toMatchObject({ id: newer.toString(), others: [older.toString()] });
});

// A gateway before this one has IDs of the same form, and so has who numbers requests by a clock.
test.each([
  ["of now", () => gateway.ids.next().toString()],
  ["of an hour ago", () => firstIdAt(Date.now() - 3_600_000).toString()],
  ["with letters", () => formatRequestId(gateway.ids.next(), "stamped")],
  ["of an answer", () => `chatcmpl-${gateway.ids.next()}`],
  ["of a trace", () => traceIdOf(gateway.ids.next())],
])("a client's own ID that looks like one of ours %s is waited for", async (_what, id) => {
  const text = id();
  const requestId = gateway.ids.next();
  stored.set(text, { requestId, after: 3 });
  const { status, body } = await lookUp(text);
  expect([status, body.id]).toEqual([200, requestId.toString()]);
});

test("a trace leads to its request only where it follows from it", () => {
  const requestId = gateway.ids.next();
  const trace = traceIdOf(requestId);
  expect(requestOfTrace(trace)).toBe(requestId);
  for (const text of [`${trace.slice(0, 31)}g`, trace.slice(1), trace.toUpperCase(), "0".repeat(32), "f".repeat(32)]) {
    expect(requestOfTrace(text === trace ? "" : text)).toBeUndefined();
  }
});
