import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { StoreResponse } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type DeleteRecordsRequest,
  type GetRecordRequest,
  type Record as HistoryRecord,
  RecordSchema,
  RecordStatus,
} from "../../../../shared/gen/throughline/history/v1/history_pb.ts";
import type {
  CountTokensRequest,
  Frame,
  InvokeItem,
  Outcome,
} from "../../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { parseRequestId } from "../../../../shared/request-id.ts";
import { streamHandler, unaryHandler } from "../../../../shared/rpc/index.ts";
import { principals, secrets, startTestGateway, type TestGateway, writeFrames } from "../../../testing.ts";

/* Responses that are kept, with a history of the test: what later requests may refer to, and who may. */

const kept = new Map<bigint, HistoryRecord>();
const invoked: InvokeItem[] = [];
/** How often a record is asked for before it is there. */
let lateLooks = 0;
let looks = 0;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({
    provider: {
      invoke: streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
        invoked.push(item);
        writeFrames(out, ["{}"]);
        return { usage: { inputTokens: 3n }, firstByte: true };
      }),
      countTokens: unaryHandler(async (request: CountTokensRequest) => ({ inputTokens: BigInt(request.body.length) })),
    },
    history: {
      getRecord: unaryHandler(async ({ owner, requestId }: GetRecordRequest) => {
        looks++;
        const record = kept.get(requestId);
        const isOwn = record?.accountId === owner?.accountId && [0n, record?.keyId].includes(owner?.keyId);
        if (record === undefined || !isOwn || looks <= lateLooks)
          throw new ThroughlineError("not_found", "No such request.");
        return { record: { record } };
      }),
      deleteRecords: unaryHandler(async ({ requestIds }: DeleteRecordsRequest) => ({
        deleted: requestIds.filter((id) => kept.delete(id)).length,
      })),
    },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());
beforeEach(() => {
  kept.clear();
  invoked.length = 0;
  lateLooks = 0;
  looks = 0;
});

/** An ID of a request that ran long ago: nobody waits for its record. */
let nextId = 700_000_000_000_000_000n;

/** Keeps a response of the key of the tests; gives its request. */
function keep(
  output: readonly object[],
  input: object | undefined,
  more: Omit<MessageInitShape<typeof RecordSchema>, "$typeName"> = {},
): bigint {
  const requestId = more.requestId ?? nextId++;
  const { accountId, keyId } = principals.api;
  const answer = { id: `resp_${requestId}`, object: "response", output };
  kept.set(
    requestId,
    create(RecordSchema, {
      ...{ requestId, accountId, keyId, dialect: "openai.responses", status: RecordStatus.SUCCEEDED },
      response: Buffer.from(JSON.stringify(answer)),
      ...(input === undefined ? {} : { input: Buffer.from(JSON.stringify(input)) }),
      ...more,
    }),
  );
  return requestId;
}

const user = (text: string) => ({ role: "user", content: text });
const said = (id: string, text: string) => ({
  ...{ id, type: "message", status: "completed", role: "assistant" },
  content: [{ type: "output_text", text, annotations: [] }],
});
const call = (id: string) => ({
  id,
  type: "function_call",
  status: "completed",
  call_id: "c1",
  name: "f",
  arguments: "{}",
});
const result = { type: "function_call_output", call_id: "c1", output: "sunny" };

async function sentFor(body: object): Promise<{ input: Record<string, unknown>[]; headers: Record<string, string> }> {
  const response = await gateway.call("/v1/responses", { model: "m", ...body });
  expect([response.status, await response.text()]).toEqual([200, "{}"]);
  const item = invoked.at(-1);
  return { ...JSON.parse(Buffer.from(item?.body ?? []).toString()), headers: item?.headers ?? {} };
}

async function refusal(body: object) {
  const response = await gateway.call("/v1/responses", { model: "m", ...body });
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, code: error.code, param: error.param, message: error.message };
}

describe("what a request refers to", () => {
  test("items of our answers stand in its input in place of their references, and others stay", async () => {
    const id = keep([{ type: "reasoning", id: "rs_1_0", summary: [] }], { items: [] }, { requestId: 1n });
    const first = keep([said(`msg_${nextId}_0`, "hi"), call(`fc_${nextId}_1`)], { items: [user("a")] });
    const { input } = await sentFor({
      input: [
        user("a"),
        { type: "item_reference", id: `rs_${id}_0` },
        { type: "item_reference", id: `fc_${first}_1` },
        result,
        { type: "item_reference", id: "msg_68af0123456789abcdef" },
      ],
    });
    expect(input).toEqual([
      user("a"),
      { type: "reasoning", id: "rs_1_0", summary: [] },
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
      result,
      { type: "item_reference", id: "msg_68af0123456789abcdef" },
    ]);
  });

  test("thinking that leads nowhere is left to the dialect, which does without it", async () => {
    const reference = { type: "item_reference", id: `rs_${nextId++}_0` };
    const { input } = await sentFor({ input: [user("a"), reference] });
    expect(input).toEqual([user("a"), reference]);
  });

  test("the conversation of previous_response_id stands before its input, the oldest first", async () => {
    const first = keep([said("msg_x", "one")], { items: [user("a")] });
    const second = keep([call("fc_y")], {
      items: [user("b"), { type: "item_reference", id: `in_${first}_0` }],
      continues: String(first),
    });
    const { input, headers, ...rest } = await sentFor({ previous_response_id: `resp_${second}`, input: [result] });
    expect(rest).not.toHaveProperty("previous_response_id");
    expect(headers).toMatchObject({ "previous-response-id": `resp_${second}`, "response-stored": "true" });
    expect(input.map(({ role, type, content }) => [role ?? type, content])).toEqual([
      ["user", "a"],
      ["assistant", [{ type: "output_text", text: "one", annotations: [] }]],
      ["user", "b"],
      ["user", "a"],
      ["function_call", undefined],
      ["function_call_output", undefined],
    ]);
    expect(gateway.recorded.at(-1)?.input).toBeDefined();
  });

  test("a text is an item; images that were made and thinking that nobody can read do not come back", async () => {
    const output = [
      { type: "image_generation_call", id: "ig_x", result: "[image/png, 9 bytes]" },
      { type: "reasoning", id: "rs_vendor", summary: [] },
      { type: "reasoning", id: "rs_vendor2", summary: [], encrypted_content: "sealed" },
      said("msg_x", "one"),
    ];
    const first = keep(output, { items: [user("a")] });
    const { input } = await sentFor({ previous_response_id: `resp_${first}`, input: "and now?" });
    expect(input.map(({ type, role }) => type ?? role)).toEqual(["user", "reasoning", "message", "message"]);
    expect(input.at(-1)).toMatchObject({ content: [{ type: "input_text", text: "and now?" }] });
  });

  test("a record that is still on its way is waited for", async () => {
    const requestId = gateway.ids.next();
    keep([said("msg_x", "one")], { items: [user("a")] }, { requestId });
    lateLooks = 3;
    const { input } = await sentFor({ previous_response_id: `resp_${requestId}`, input: "b" });
    expect(input).toHaveLength(3);
    expect(looks).toBe(4);
  });

  const notThere: readonly (readonly [string, () => bigint | string])[] = [
    ["nobody has", () => nextId++],
    ["is no ID", () => "smell"],
    ["another key has", () => keep([], { items: [] }, { keyId: 99n })],
    ["another account has", () => keep([], { items: [] }, { accountId: 99n })],
    ["was not to be stored", () => keep([said("msg_x", "one")], undefined)],
    ["is of another dialect", () => keep([], { items: [] }, { dialect: "openai.chat" })],
    ["failed", () => keep([], { items: [] }, { status: RecordStatus.FAILED })],
  ];

  test.each(notThere)("a response that %s is refused in the same words", async (_what, make) => {
    const id = make();
    const { message, ...rest } = await refusal({ previous_response_id: `resp_${id}`, input: "x" });
    expect(rest).toEqual({ status: 400, code: "invalid_value", param: "previous_response_id" });
    expect(String(message).replaceAll(String(id), "ID")).toBe(
      "previous_response_id: 'resp_ID' leads to a response that is not there. A response is kept for the key that asked for it, where its request did not say store: false and its account keeps answers. Send the items themselves, or set store: false in your SDK so that it does.",
    );
    if (typeof id === "string") return;
    const reference = { type: "item_reference", id: `msg_${id}_0` };
    expect(await refusal({ input: [user("x"), reference] })).toMatchObject({ status: 400, param: "input[1].id" });
    const got = await gateway.call(`/v1/responses/resp_${id}`);
    expect([got.status, ((await got.json()) as { error: { code: string } }).error.code]).toEqual([404, "not_found"]);
  });

  test.each([
    ["its input was too large to be kept", { items: null }, {}],
    ["its answer was cut", { items: [] }, { responseTruncated: true }],
  ])("a response cannot be gone on from where %s", async (_why, input, more) => {
    const id = keep([said("msg_1_0", "one")], input, more);
    const refused = await refusal({ previous_response_id: `resp_${id}`, input: "x" });
    expect(refused).toMatchObject({ status: 400, param: "previous_response_id" });
    expect(refused.message).toContain("too large");
  });

  test("a conversation that is larger than a body may be is refused", async () => {
    const large = keep([said("msg_x", "a".repeat(9_000_000))], { items: [user("a".repeat(9_000_000))] });
    expect(await refusal({ previous_response_id: `resp_${large}`, input: "x" })).toMatchObject({
      ...{ status: 413, code: "request_too_large" },
    });
  });

  test("a short reference to a long item, many times over, is refused before it is written out", async () => {
    const long = keep([said(`msg_${nextId}_0`, "a".repeat(500_000))], { items: [] });
    const input = Array.from({ length: 2_000 }, () => ({ type: "item_reference", id: `msg_${long}_0` }));
    expect(await refusal({ input })).toMatchObject({ status: 413, code: "request_too_large" });
  });

  test("a conversation never goes round in a circle", async () => {
    const id = nextId;
    keep([], { items: [user("a")], continues: String(id) });
    const { input } = await sentFor({ previous_response_id: `resp_${id}`, input: [user("b")] });
    expect(input).toEqual([user("a"), user("b")]);
  });
});

describe("what is kept of a request", () => {
  async function keptOf(body: object): Promise<object | undefined> {
    const response = await gateway.call("/v1/responses", { model: "m", ...body });
    const requestId = parseRequestId(response.headers.get("request-id") ?? "");
    const record = () => gateway.recorded.find((one) => one.requestId === requestId);
    await expect.poll(record).toBeDefined();
    const { input = new Uint8Array() } = record() ?? {};
    return input.length === 0 ? undefined : JSON.parse(Buffer.from(input).toString());
  }

  test("its items as the client sent them, and what it went on from", async () => {
    const first = keep([said("msg_x", "one")], { items: [user("a")] });
    expect(await keptOf({ input: [user("a")] })).toEqual({ items: [user("a")] });
    expect(await keptOf({ input: [user("b")], previous_response_id: `resp_${first}` })).toEqual({
      ...{ items: [user("b")], continues: String(first) },
    });
  });

  test("nothing where it says store: false; no items where they are more than a megabyte", async () => {
    expect(await keptOf({ input: "a", store: false })).toBeUndefined();
    const image = { type: "input_image", image_url: `data:image/png;base64,${"A".repeat(1_100_000)}` };
    expect(await keptOf({ input: [{ role: "user", content: [image] }] })).toEqual({ items: null });
  });
});

describe("GET and DELETE /v1/responses/{id}", () => {
  test("the answer as it was given; once deleted it is gone", async () => {
    const id = keep([said("msg_x", "one")], { items: [] });
    const got = await gateway.call(`/v1/responses/resp_${id}`);
    expect(await got.json()).toEqual({ id: `resp_${id}`, object: "response", output: [said("msg_x", "one")] });
    const streamed = await gateway.call(`/v1/responses/resp_${id}?stream=true`);
    expect(streamed.status).toBe(400);
    const deleted = await gateway.call(`/v1/responses/resp_${id}`, undefined, { method: "DELETE" });
    expect(await deleted.json()).toEqual({ id: `resp_${id}`, object: "response", deleted: true });
    for (const method of ["GET", "DELETE"]) {
      expect((await gateway.call(`/v1/responses/resp_${id}`, undefined, { method })).status).toBe(404);
    }
  });

  test("a key without the scope may do neither", async () => {
    const id = keep([], { items: [] });
    const headers = { authorization: `Bearer ${secrets.narrow}` };
    for (const method of ["GET", "DELETE"]) {
      const response = await gateway.call(`/v1/responses/resp_${id}`, undefined, { method, headers });
      expect(response.status).toBe(403);
    }
    expect(kept.has(id)).toBe(true);
  });
});

describe("GET /v1/responses/{id}/input_items", () => {
  interface Page {
    readonly data: { id: string; type: string }[];
    readonly first_id: string;
    readonly last_id: string;
    readonly has_more: boolean;
  }

  async function page(id: bigint, query: string): Promise<Page> {
    return (await (await gateway.call(`/v1/responses/resp_${id}/input_items${query}`)).json()) as Page;
  }

  test("pages of them, the newest first unless asked otherwise, each of which can be referred to", async () => {
    const id = keep([], { items: [user("a"), { ...call("x"), id: undefined }, result] });
    const all = await page(id, "");
    expect(all.data.map((item) => [item.id, item.type])).toEqual([
      [`in_${id}_2`, "function_call_output"],
      [`in_${id}_1`, "function_call"],
      [`in_${id}_0`, "message"],
    ]);
    expect(all.data[2]).toMatchObject({
      role: "user",
      status: "completed",
      content: [{ type: "input_text", text: "a" }],
    });
    const first = await page(id, "?order=asc&limit=2");
    expect(first).toMatchObject({ first_id: `in_${id}_0`, last_id: `in_${id}_1`, has_more: true });
    const rest = await page(id, `?order=asc&limit=2&after=${first.last_id}`);
    expect(rest).toMatchObject({ first_id: `in_${id}_2`, last_id: `in_${id}_2`, has_more: false });
    const { input } = await sentFor({ input: [{ type: "item_reference", id: `in_${id}_0` }] });
    expect(input).toEqual([user("a")]);
  });

  test.each(["?limit=0", "?limit=101", "?limit=x", "?order=up", "?after=in_1_1", "?limit=1&limit=2"])(
    "%s",
    async (query) => {
      const id = keep([], { items: [user("a")] });
      expect((await gateway.call(`/v1/responses/resp_${id}/input_items${query}`)).status).toBe(400);
    },
  );

  test("not there where the input was too large to be kept", async () => {
    const id = keep([], { items: null });
    expect((await gateway.call(`/v1/responses/resp_${id}/input_items`)).status).toBe(404);
  });
});

test("POST /v1/responses/input_tokens counts the request with what it refers to, and leaves no record", async () => {
  const id = keep([said("msg_x", "one")], { items: [user("a")] });
  const before = gateway.recorded.length;
  const counted = async (body: object) => {
    const response = await gateway.call("/v1/responses/input_tokens", { model: "m", ...body });
    return (await response.json()) as { object: string; input_tokens: number };
  };
  const plain = await counted({ input: "b" });
  const whole = await counted({ input: "b", previous_response_id: `resp_${id}` });
  expect(plain.object).toBe("response.input_tokens");
  expect(whole.input_tokens).toBeGreaterThan(plain.input_tokens);
  expect(gateway.recorded).toHaveLength(before);
});

test.each([
  [StoreResponse.FULL, true],
  [StoreResponse.TRUNCATED, false],
  [StoreResponse.NONE, false],
])("an account that keeps answers as %s: kept %s", async (storeResponse, isKept) => {
  const { api } = principals;
  const before = api.storeResponse;
  api.storeResponse = storeResponse;
  // The key is remembered for some seconds; another server of the same principals reads it anew.
  await using other = await startTestGateway();
  try {
    await other.call("/v1/responses", { model: "m", input: "a" });
    await expect.poll(() => other.recorded.length).toBe(1);
    expect((other.recorded[0]?.input.length ?? 0) > 0).toBe(isKept);
  } finally {
    api.storeResponse = before;
  }
});
