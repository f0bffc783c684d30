import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import type { ErrorEnvelope } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { DisconnectPolicy, Module, PriceSource } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type DeleteRecordsRequest,
  type GetRecordRequest,
  type HistoryService,
  type QueryRecordsRequest,
  type ReadRecordsRequest,
  RecordSchema,
  RecordStatus,
  StoredRecordSchema,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { formatRequestId, traceIdOf } from "../../shared/request-id.ts";
import { type HandlersOf, unaryHandler } from "../../shared/rpc/index.ts";
import { secrets, startTestGateway } from "../testing.ts";
import { historyItem } from "../view/history-item.ts";

/** The record of the history document's own example. */
const stored = create(StoredRecordSchema, {
  record: {
    requestId: 767212140985061376n,
    attemptId: 767212180373770240n,
    accountId: 1n,
    keyId: 11n,
    status: RecordStatus.SUCCEEDED,
    module: Module.IMAGE,
    platform: "openai",
    strategy: "dell-3",
    model: "dall-e-3",
    requestedModel: "dall-e-3",
    channel: "main",
    dialect: "openai.chat",
    messageId: "chatcmpl-767212140985061376",
    upstreamRequestId: "req_up1",
    createdUnixUs: 1745807228523175n,
    updatedUnixUs: 1752228342662160n,
    usage: { images: 1n },
    pricing: { source: PriceSource.STRATEGY },
    policy: DisconnectPolicy.DRAIN,
    reservedNanoUsd: 40_000_000n,
    billedNanoUsd: 39_999_999n,
    billingReason: "usage",
    durationUs: 2_500_250n,
    httpStatus: 200,
    response: Buffer.from("{...}"),
    detail: {
      reasons: [{ channel: "main", chosen: true, reason: "priority 10, weight 3 of 5" }],
      attempts: [
        { attemptId: 767212180373770240n, channel: "main", httpStatus: 200, startUs: 1_500n, endUs: 9_000n },
        { channel: "side", errorCode: "upstream_error", fault: "tls", faultCode: "CERT_HAS_EXPIRED", resent: true },
      ],
      timeline: [{ name: "authenticated", atUs: 250n }],
    },
  },
  customResponseJson: '{"image_urls":[]}',
});

/** The document's own example of an answer. */
const documented = {
  request_id: "767212140985061376",
  platform_id: "767212180373770240",
  platform: "openai",
  module: "image",
  strategy: "dell-3",
  status: "succeeded",
  response: "{...}",
  error: "",
  unit_price: { input_per_price: 0, output_per_price: 0, output_token: 1, input_token: 0 },
  custom_response: { image_urls: [] },
  created_time: "2025-04-28T02:27:08.523175Z",
  updated_time: "2025-07-11T10:05:42.66216Z",
};

const queries: QueryRecordsRequest[] = [];
const deletions: DeleteRecordsRequest[] = [];
const gets: GetRecordRequest[] = [];
const history: Partial<HandlersOf<typeof HistoryService>> = {
  queryRecords: unaryHandler(async (request: QueryRecordsRequest) => {
    queries.push(request);
    return { records: [stored], hasMore: true };
  }),
  deleteRecords: unaryHandler(async (request: DeleteRecordsRequest) => {
    deletions.push(request);
    return { deleted: 1 };
  }),
  getRecord: unaryHandler(async (request: GetRecordRequest) => {
    gets.push(request);
    const named = request.requestId === stored.record?.requestId || request.upstreamRequestId === "req_up1";
    if (!named || request.owner?.userId === "user-7") throw new ThroughlineError("not_found", "whatever history says");
    return { record: stored };
  }),
};

const own = "/bp/ai/ai_request/history";
const ofUser = "/bp/server/user/u%2F1/ai/ai_request/history";
const as = (kind: keyof typeof secrets) => ({ headers: { authorization: `Bearer ${secrets[kind]}` } });

beforeEach(() => {
  queries.length = 0;
  deletions.length = 0;
  gets.length = 0;
});

describe("the history query", () => {
  it("answers the document's example to the letter", async () => {
    await using gateway = await startTestGateway({ history });
    const response = await gateway.call(`${own}/query?page=1&page_size=20`);
    const body = (await response.json()) as { data: Record<string, unknown>[]; has_more: boolean };
    const { throughline, ...item } = body.data[0] ?? {};
    expect(Object.keys(body)).toEqual(["data", "has_more"]);
    expect(JSON.stringify(item)).toBe(JSON.stringify(documented));
    expect(throughline).toMatchObject({ model: "dall-e-3", reserved_usd: "0.04", billed_usd: "0.039999999" });
    expect([response.status, body.has_more]).toEqual([200, true]);
  });

  describe("of a large page", () => {
    const numbered = (requestId: bigint) =>
      create(StoredRecordSchema, {
        ...stored,
        record: create(RecordSchema, { requestId, status: RecordStatus.FAILED }),
      });
    const ids = Array.from({ length: 60 }, (_, n) => BigInt(n + 1));
    const pieces: ReadRecordsRequest[] = [];
    const inPieces = (fails: boolean): Partial<HandlersOf<typeof HistoryService>> => ({
      queryRecords: unaryHandler(async ({ atOnce }: QueryRecordsRequest) => ({
        records: ids.slice(0, atOnce).map(numbered),
        hasMore: false,
        rest: { requestIds: ids.slice(atOnce), maxResponseBytes: 7n, mayRun: true },
      })),
      readRecords: unaryHandler(async (request: ReadRecordsRequest) => {
        pieces.push(request);
        if (fails && pieces.length === 2) throw new ThroughlineError("service_unavailable", "History is busy.");
        // One was deleted meanwhile.
        return { records: (request.of?.requestIds ?? []).filter((id) => id !== 30n).map(numbered) };
      }),
    });

    it("reads a few records at a time, and gives all of them in their order", async () => {
      pieces.length = 0;
      await using gateway = await startTestGateway({ history: inPieces(false) });
      const response = await gateway.call(`${ofUser}/query?page=1&page_size=1000`, undefined, as("server"));
      const { data } = (await response.json()) as { data: { request_id: string }[] };
      expect(data.map((item) => BigInt(item.request_id))).toEqual(ids.filter((id) => id !== 30n));
      expect(pieces.flatMap(({ of }) => of?.requestIds ?? [])).toEqual(ids.slice(25));
      for (const { owner, of } of pieces) {
        expect(of?.requestIds.length).toBeLessThanOrEqual(25);
        expect(of).toMatchObject({ maxResponseBytes: 7n, mayRun: true });
        expect(owner).toMatchObject({ accountId: 1n, userId: "u/1" });
      }
    });

    it("is an error as a whole where one of them fails", async () => {
      pieces.length = 0;
      await using gateway = await startTestGateway({ history: inPieces(true) });
      const response = await gateway.call(`${own}/query?page=1&page_size=1000`);
      expect([response.status, await response.json()]).toMatchObject([503, { error: { code: "service_unavailable" } }]);
    });
  });

  it("gives custom_response as an object or null, whatever was stored once", () => {
    const shown = (customResponseJson: string) =>
      historyItem(create(StoredRecordSchema, { ...stored, customResponseJson }), "decimal").custom_response;
    expect(shown('{"a":1}')).toEqual({ a: 1 });
    for (const json of ["", "null", '"text"', '["a"]', "7", "true"]) expect([json, shown(json)]).toEqual([json, null]);
  });

  const examples: readonly [string, Partial<QueryRecordsRequest>][] = [
    ["?page=1&page_size=20", { page: 1, pageSize: 20, startUnixMs: 0n, endUnixMs: 0n, statuses: [] }],
    [
      "?page=1&page_size=20&start_time=1709300000000&end_time=1709400000000",
      { startUnixMs: 1709300000000n, endUnixMs: 1709400000000n },
    ],
    [
      "?page=1&page_size=10&status=succeeded,processing",
      { statuses: [RecordStatus.SUCCEEDED, RecordStatus.PROCESSING] },
    ],
    ["?page=1&page_size=20&from_appserver=true", { fromAppserver: true }],
    [
      "?page=100&page_size=1000&from_appserver=false&status=failed,pending,queueing",
      { page: 100, pageSize: 1000, fromAppserver: false },
    ],
    ["?page=1&page_size=1&end_time=0", { endUnixMs: 1n }],
    [
      "?page=1&page_size=1&start_time=-9223372036854775808&end_time=9223372036854775807",
      { startUnixMs: -(2n ** 63n), endUnixMs: 2n ** 63n - 1n },
    ],
    ["?page=1&page_size=1&end_time=-5", { endUnixMs: 1n }],
  ];
  it.each(examples)("takes %s on every path", async (query, asked) => {
    await using gateway = await startTestGateway({ history });
    for (const path of ["/ai_request/history", own])
      expect((await gateway.call(`${path}/query${query}`)).status).toBe(200);
    expect((await gateway.call(`${ofUser}/query${query}`, undefined, as("server"))).status).toBe(200);
    expect(queries).toMatchObject([asked, asked, asked]);
  });

  const refused: readonly [string, string, string][] = [
    ["", "missing_required_field", "page"],
    ["?page=1", "missing_required_field", "page_size"],
    ["?page=&page_size=1", "missing_required_field", "page"],
    ["?page=0&page_size=1", "invalid_value", "page"],
    ["?page=101&page_size=1", "invalid_value", "page"],
    ["?page=1.5&page_size=1", "invalid_value", "page"],
    ["?page=-1&page_size=1", "invalid_value", "page"],
    ["?page=1e1&page_size=1", "invalid_value", "page"],
    ["?page=1&page_size=1001", "invalid_value", "page_size"],
    ["?page=1&page=2&page_size=1", "invalid_value", "page"],
    ["?page=1&page_size=1&status=done", "invalid_value", "status"],
    ["?page=1&page_size=1&status=", "invalid_value", "status"],
    ["?page=1&page_size=1&status=failed&status=failed", "invalid_value", "status"],
    ["?page=1&page_size=1&status=__proto__", "invalid_value", "status"],
    ["?page=1&page_size=1&start_time=yesterday", "invalid_value", "start_time"],
    ["?page=1&page_size=1&start_time=9223372036854775808", "invalid_value", "start_time"],
    ["?page=1&page_size=1&end_time=-9223372036854775809", "invalid_value", "end_time"],
    ["?page=1&page_size=1&end_time=", "invalid_value", "end_time"],
    ["?page=1&page_size=1&from_appserver=1", "invalid_value", "from_appserver"],
  ];
  it("refuses what is bad, missing or repeated, naming the parameter", async () => {
    await using gateway = await startTestGateway({ history });
    for (const [query, code, param] of refused) {
      const response = await gateway.call(`${own}/query${query}`);
      const { error } = (await response.json()) as ErrorEnvelope;
      expect([query, response.status, error.code, error.param]).toEqual([query, 400, code, param]);
    }
    expect(queries).toEqual([]);
  });

  it("shows each kind of key what is its own", async () => {
    await using gateway = await startTestGateway({ history });
    const query = `${own}/query?page=1&page_size=1`;
    for (const kind of ["api", "server", "user"] as const) await gateway.call(query, undefined, as(kind));
    await gateway.call(`${ofUser}/query?page=1&page_size=1`, undefined, as("server"));
    const owner = { accountId: 1n, keyId: 0n, userId: "", operator: false };
    expect(queries.map((asked) => asked.owner)).toMatchObject([
      { ...owner, keyId: 11n },
      owner,
      { ...owner, userId: "user-7" },
      { ...owner, userId: "u/1" },
    ]);
    for (const kind of ["api", "user", "cli", "narrow"] as const) {
      expect((await gateway.call(`${ofUser}/query?page=1&page_size=1`, undefined, as(kind))).status).toBe(403);
    }
    expect((await gateway.call(query, undefined, as("cli"))).status).toBe(403);
    expect((await gateway.call(query, undefined, as("narrow"))).status).toBe(403);
  });
});

describe("the paths of one user", () => {
  it("refuse an empty user instead of taking all of the account's", async () => {
    await using gateway = await startTestGateway({ history });
    const nobody = "/bp/server/user//ai/ai_request/history";
    const answers = [
      await gateway.call(`${nobody}/query?page=1&page_size=1`, undefined, as("server")),
      await gateway.call(`${nobody}/delete`, { request_ids: ["1893947283746816000"] }, as("server")),
    ];
    for (const response of answers) {
      const { error } = (await response.json()) as ErrorEnvelope;
      expect([response.status, error.code, error.param]).toEqual([400, "invalid_value", "user_id"]);
    }
    expect([queries, deletions]).toEqual([[], []]);
  });
});

describe("the history deletion", () => {
  it("answers 200 without a body on both paths", async () => {
    await using gateway = await startTestGateway({ history });
    const request_ids = ["1893947283746816000", "1893947283746816001", "1893947283746816000", "no ID"];
    for (const [path, kind] of [
      [own, "api"],
      [ofUser, "server"],
    ] as const) {
      const response = await gateway.call(`${path}/delete`, { request_ids }, as(kind));
      expect([response.status, await response.text()]).toEqual([200, ""]);
    }
    const requestIds = [1893947283746816000n, 1893947283746816001n, 1893947283746816000n];
    expect(deletions).toMatchObject([
      { owner: { keyId: 11n }, requestIds },
      { owner: { userId: "u/1" }, requestIds },
    ]);
  });

  it("refuses lists that are none, empty or too long", async () => {
    await using gateway = await startTestGateway({ history });
    const refused: readonly [unknown, string, string][] = [
      [{}, "missing_required_field", "request_ids"],
      [[], "missing_required_field", "request_ids"],
      [{ request_ids: [] }, "invalid_value", "request_ids"],
      [{ request_ids: "1" }, "invalid_value", "request_ids"],
      [{ request_ids: null }, "invalid_value", "request_ids"],
      [{ request_ids: ["1", 1893947283746816000] }, "invalid_value", "request_ids[1]"],
      [{ request_ids: Array.from({ length: 1_001 }, () => "1") }, "invalid_value", "request_ids"],
    ];
    for (const [body, code, param] of refused) {
      const response = await gateway.call(`${own}/delete`, body);
      expect([response.status, ((await response.json()) as ErrorEnvelope).error]).toMatchObject([400, { code, param }]);
    }
    expect(deletions).toEqual([]);
  });
});

describe("the life of one request", () => {
  it("is found by every ID that a client may hold", async () => {
    await using gateway = await startTestGateway({ history }, { traceUiUrl: "http://jaeger/trace/{trace_id}" });
    const id = 767212140985061376n;
    const names = [
      id.toString(),
      formatRequestId(id, "stamped"),
      ...["chatcmpl-", "chatcmpl_", "msg_", "resp_", "cmpl-"].map((prefix) => prefix + id),
      `msg_${formatRequestId(id, "stamped")}`,
      "req_up1",
    ];
    for (const name of names) {
      const response = await gateway.call(`/v1/requests/${name}`);
      expect([name, response.status, ((await response.json()) as { id: string }).id]).toEqual([
        name,
        200,
        id.toString(),
      ]);
    }
    expect(await (await gateway.call(`/v1/requests/${id}`)).json()).toMatchObject({
      object: "request",
      status: "succeeded",
      error: null,
      route: [{ channel: "main", chosen: true, reason: "priority 10, weight 3 of 5" }],
      attempts: [
        {
          ...{ id: "767212180373770240", channel: "main", http_status: 200, error: null, start_ms: 1.5, head_ms: null },
          ...{ fault: null, resent: false },
        },
        { channel: "side", fault: { kind: "tls", code: "CERT_HAS_EXPIRED" }, resent: true },
      ],
      billing: {
        reserved_usd: "0.04",
        billed_usd: "0.039999999",
        policy: "drain",
        reason: "usage",
        price_source: "strategy",
      },
      timeline: [{ name: "authenticated", at_ms: 0.25 }],
      duration_ms: 2500.25,
      trace: { id: traceIdOf(id), sampled: true, url: `http://jaeger/trace/${traceIdOf(id)}` },
    });
  });

  it("of others answers as what does not exist", async () => {
    await using gateway = await startTestGateway({ history });
    const bodies = new Set<string>();
    // The stub hides the example from user keys, as history does with what is another owner's.
    const others = [["767212140985061376", as("user")]] as const;
    const unknown = ["767212140985061377", "msg_5", "no-such-thing", "%00", "a%20b"].map((name) => [name, {}] as const);
    for (const [name, options] of [...others, ...unknown]) {
      const response = await gateway.call(`/v1/requests/${name}`, undefined, options);
      expect([name, response.status]).toEqual([name, 404]);
      bodies.add((await response.text()).replaceAll(response.headers.get("request-id") ?? "", "ID"));
    }
    expect(bodies.size).toBe(1);
    for (const kind of ["cli", "narrow"] as const) {
      expect((await gateway.call("/v1/requests/5", undefined, as(kind))).status).toBe(403);
    }
  });
});
