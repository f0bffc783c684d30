import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type {
  AuthenticateItem,
  Principal,
  Reservation,
  ReserveItem,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { KeepRequestRequest } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { each, principals, type Stubs, secrets, startTestGateway, type TestGateway, writeFrames } from "../testing.ts";
import { labelsOf, maxUserLength, tagsOf } from "./labels.ts";

/* What a client says of a request for its own books: how it is read, and that it comes to billing and history from every API. */

describe("tags", () => {
  test.each([
    [undefined, []],
    ["", []],
    ["team=search, env:prod ,, v1.2/a-b", ["team=search", "env:prod", "v1.2/a-b"]],
    ["a,b,a", ["a", "b"]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  ])("of %j are %j", (header, tags) => {
    expect(tagsOf(header)).toEqual(tags);
  });

  test.each([
    ["a space", "a b"],
    ["two values", "a=b=c"],
    ["no key", "=b"],
    ["no value", "a="],
    ["other letters", "标签"],
    ["a long tag", "x".repeat(65)],
    ["a quote", "a'b"],
    ["eleven tags", Array.from({ length: 11 }, (_, index) => `t${index}`).join()],
    ["a list without end", "x,".repeat(20_000)],
  ])("with %s are refused, and the header is named", (_what, header) => {
    expect(() => tagsOf(header)).toThrow(
      expect.objectContaining({ code: "invalid_value", param: "x-throughline-tags" }) as ThroughlineError,
    );
  });

  test("whatever is taken is bounded, distinct and of the form that is documented", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: fc.constantFrom(..."ab=,. :/-_é\u0000") }), (header) => {
        let tags: readonly string[];
        try {
          tags = tagsOf(header);
        } catch {
          return;
        }
        expect(tags.length).toBeLessThanOrEqual(10);
        expect(new Set(tags).size).toBe(tags.length);
        for (const tag of tags) expect(tag).toMatch(/^(?=.{1,64}$)[\w.:/-]+(=[\w.:/-]+)?$/);
      }),
    );
  });
});

describe("the end user", () => {
  test.each([
    [{ user: "u", safety_identifier: "s", metadata: { user_id: "m" } }, "u"],
    [{ user: "", safety_identifier: "s" }, "s"],
    [{ metadata: { user_id: "m" } }, "m"],
    [{ labels: { user_id: "g" } }, "g"],
    [{ user: 7, metadata: "text" }, ""],
    [{ user: " a\u0000b\ud800 " }, "a\ufffdb\ufffd"],
  ])("of %j is %j", (body, user) => {
    expect(labelsOf({}, body).endUser).toBe(user);
  });

  test("is bounded, and two long names that begin alike stay two", () => {
    const [one, other] = ["a", "b"].map((end) => labelsOf({}, { user: "u".repeat(1_000) + end }).endUser);
    expect(one?.length).toBeLessThanOrEqual(maxUserLength);
    expect(one).not.toBe(other);
  });

  test("metadata is an object of JSON, and one that is too long is told by its size", () => {
    expect(labelsOf({}, { metadata: { a: "1", b: [2] } }).metadataJson).toBe('{"a":"1","b":[2]}');
    for (const metadata of [{}, [], "x", null, 1]) expect(labelsOf({}, { metadata }).metadataJson).toBe("");
    const long = labelsOf({}, { metadata: { a: "x".repeat(20_000) } }).metadataJson;
    expect(JSON.parse(long)).toEqual({ omitted_bytes: 20_008 });
  });
});

describe("from every API", () => {
  let gateway: TestGateway;
  const reserved: ReserveItem[] = [];
  const asked: InvokeItem[] = [];

  beforeAll(async () => {
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
      asked.push(call.item);
      writeFrames(out, ['{"ok":true}']);
      return { usage: {}, firstByte: true };
    });
    const reserve = each<ReserveItem, Reservation>((item) => {
      reserved.push(item);
      return { reservedNanoUsd: 1_000n };
    });
    gateway = await startTestGateway({
      provider: { invoke },
      billing: { reserve, storeAnswer: unaryHandler(async () => ({})) },
    });
  });
  beforeEach(() => {
    for (const list of [gateway.recorded, gateway.settled, reserved, asked]) list.length = 0;
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const messages = [{ role: "user", content: "Hi" }];
  const form = new FormData();
  form.append("model", "m");
  form.append("user", "alice");
  form.append("prompt", "a hat");
  form.append(
    "image",
    new Blob([Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(90)])]),
    "a.png",
  );

  test.each<[path: string, body: object]>([
    ["/v1/chat/completions", { model: "m", messages, user: "alice" }],
    ["/v1/chat/completions", { model: "m", messages, safety_identifier: "alice" }],
    ["/v1/completions", { model: "m", prompt: "Hi", user: "alice" }],
    ["/v1/messages", { model: "m", messages, max_tokens: 9, metadata: { user_id: "alice" } }],
    ["/v1/responses", { model: "m", input: "Hi", user: "alice" }],
    ["/v1/embeddings", { model: "m", input: "Hi", user: "alice" }],
    ["/v1/images/generations", { model: "m", prompt: "a hat", user: "alice" }],
    ["/v1/rerank", { model: "m", query: "q", documents: ["d"], metadata: { user_id: "alice" } }],
    ["/v1beta/models/m:generateContent", { contents: [{ parts: [{ text: "Hi" }] }], labels: { user_id: "alice" } }],
    ["/v1/images/edits", form],
  ])("POST %s: they come to billing and to history, and no further", async (path, body) => {
    const isForm = body instanceof FormData;
    const headers = {
      "x-throughline-tags": "team=search,env:prod",
      "x-request-id": "mine",
      "x-client-request-id": "mine too",
      "idempotency-key": "once",
      "user-agent": "a test",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const own = { ...headers, "x-client-request-id": "mine-too", authorization: `Bearer ${secrets.api}` };
    const response = isForm
      ? await fetch(`${gateway.url}${path}`, { method: "POST", body, headers: own })
      : await gateway.call(`${path}?a=b`, body, { headers: own });
    expect(response.status, await response.text()).toBe(200);
    const said = { endUser: "alice", tags: ["team=search", "env:prod"] };
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    const aliases = ["mine", "mine-too", "0af7651916cd43dd8448eb211c80319c", "once"];
    expect(gateway.recorded[0]).toMatchObject({ ...said, userId: "" });
    expect(gateway.recorded[0]?.aliases.toSorted()).toEqual(aliases.toSorted());
    const { origin } = gateway.recorded[0]?.detail ?? {};
    expect(origin).toMatchObject({ path, userAgent: "a test", address: "127.0.0.1", idempotencyKey: "once" });
    expect(origin?.requestBytes).toBeGreaterThan(isForm ? 90n : 10n);
    expect(gateway.settled[0]?.facts).toMatchObject(said);
    expect(reserved[0]).toMatchObject({ ...said, userId: "" });
    expect(JSON.stringify(asked[0]?.headers)).not.toContain("team");
  });

  test.each<[kind: keyof typeof principals, userId: string, endUser: string]>([
    ["api", "", "alice"],
    // A back end says whose request it sends: that user finds it among its own.
    ["server", "alice", "alice"],
    // The gateway knows whose a user's key is.
    ["user", "user-7", "user-7"],
  ])("with a key of kind %s the record is of %j and for %j", async (kind, userId, endUser) => {
    const headers = { authorization: `Bearer ${secrets[kind]}` };
    await gateway.call("/v1/embeddings", { model: "m", input: "Hi", user: "alice" }, { headers });
    await vi.waitFor(() => expect(gateway.recorded).toMatchObject([{ userId, endUser, aliases: [] }]));
  });

  test("tags that are none are refused with the header's name; what else it said is on its record", async () => {
    const headers = { "x-throughline-tags": "no good" };
    const response = await gateway.call("/v1/embeddings", { model: "m", input: "Hi", user: "alice" }, { headers });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: "invalid_value", param: "x-throughline-tags" } },
    ]);
    await vi.waitFor(() => expect(gateway.recorded).toMatchObject([{ errorCode: "invalid_value", endUser: "alice" }]));
    expect(reserved).toEqual([]);
  });
});

describe("what a request says", () => {
  const kept: { requestId: bigint; accountId: bigint; content: string }[] = [];
  const stubs = {
    history: {
      keepRequest: unaryHandler(async ({ requestId, accountId, content }: KeepRequestRequest) => {
        kept.push({ requestId, accountId, content: Buffer.from(content).toString() });
        return {};
      }),
    } satisfies Stubs["history"],
  };

  test.each([true, false])("is kept where its account wants that: %s", async (storeRequest) => {
    kept.length = 0;
    const authenticate = each<AuthenticateItem, Principal>(() => ({ ...principals.api, storeRequest }));
    await using gateway = await startTestGateway({ ...stubs, billing: { authenticate } });
    const body = JSON.stringify({ model: "m", input: "a secret of ours" });
    const response = await gateway.call("/v1/embeddings", body);
    expect(response.status).toBe(200);
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    const requestId = BigInt(response.headers.get("request-id") ?? "");
    const expected = storeRequest ? [{ requestId, accountId: 1n, content: body }] : [];
    await vi.waitFor(() => expect(kept).toEqual(expected));
    expect(
      JSON.stringify(gateway.recorded, (_name, value) => (typeof value === "bigint" ? `${value}` : value)),
    ).not.toContain("ours");
  });

  test("of a form is its fields and what its files are; of a large body its size", async () => {
    kept.length = 0;
    const authenticate = each<AuthenticateItem, Principal>(() => ({ ...principals.api, storeRequest: true }));
    await using gateway = await startTestGateway({ ...stubs, billing: { authenticate } });
    const form = new FormData();
    form.append("model", "m");
    form.append("prompt", "a hat");
    const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(90)]);
    form.append("image", new Blob([png]), "a.png");
    const headers = { authorization: `Bearer ${secrets.api}` };
    await fetch(`${gateway.url}/v1/images/edits`, { method: "POST", body: form, headers });
    const png64 = Buffer.concat([png, Buffer.alloc(3_300_000)]).toString("base64");
    const content = [{ type: "image_url", image_url: { url: `data:image/png;base64,${png64}` } }];
    await gateway.call("/v1/chat/completions", { model: "m", messages: [{ role: "user", content }] });
    await vi.waitFor(() => expect(kept).toHaveLength(2));
    expect(JSON.parse(kept[0]?.content ?? "")).toMatchObject({
      form: [
        ["model", "m"],
        ["prompt", "a hat"],
      ],
      files: [expect.stringMatching(/a\.png.*98 bytes, sha256/)],
    });
    expect(JSON.parse(kept[1]?.content ?? "")).toEqual({ omitted_bytes: expect.any(Number) });
  });
});
