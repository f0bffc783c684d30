import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { describe, expect, it, vi } from "vitest";
import {
  type AppRouter,
  createThroughline,
  idempotent,
  isThroughlineError,
  iterate,
  requestIdOf,
} from "../../client/index.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type {
  GetAnswerRequest,
  GetAnswerResponse,
  Reservation,
  ReserveItem,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { answering, each, type Stubs, secrets, startTestGateway, type TestGateway, writeFrames } from "../testing.ts";

const request = { model: "gpt-4o", messages: [{ role: "user" as const, content: "Hi" }] };
const completion = { id: "chatcmpl-1", object: "chat.completion", choices: [{ message: { content: "Hello" } }] };
const chunk = (content: string) => ({ id: "chatcmpl-1", choices: [{ index: 0, delta: { content } }] });
const sse = (value: unknown) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;

/** A provider that answers as it is asked. */
const invoke = streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
  if (item.stream) writeFrames(out, [sse(chunk("Hel")), sse(chunk("lo")), sse("[DONE]")], "text/event-stream");
  else writeFrames(out, [JSON.stringify(completion)]);
  return { usage: { inputTokens: 3n, outputTokens: 2n }, finishReason: "stop", firstByte: true };
});

/** A provider that gives one chunk and then nothing until it is cancelled. */
function hanging(cancelled: () => void, begun = () => {}) {
  return streamHandler<InvokeItem, Frame, Outcome>(async ({ item, signal }, out) => {
    begun();
    if (item.stream) writeFrames(out, [sse(chunk("Hel"))], "text/event-stream");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    cancelled();
    return { usage: { inputTokens: 3n, outputTokens: 1n }, firstByte: item.stream, cancelled: true };
  });
}

const clientOf = (gateway: TestGateway, key: string = secrets.api) => createThroughline({ url: gateway.url, key });
async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const event of events) found.push(event);
  return found;
}
const caught = async (run: () => Promise<unknown>) =>
  run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
const refusal = async (run: () => Promise<unknown>) => {
  const error = await caught(run);
  if (!isThroughlineError(error)) throw new Error(`not refused by the platform: ${String(error)}`);
  return error;
};

describe("services call models over tRPC", () => {
  it("as over HTTP: one story, one record, one ID, and the cost beside the answer", async () => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const answer = await clientOf(gateway).chat.create.mutate(request);
    expect(answer).toMatchObject({
      choices: [{ message: { content: "Hello" } }],
      throughline: {
        upstream_request_id: "up-1",
        channel: "stub",
        usage: { input_tokens: 3, output_tokens: 2 },
        billed_usd: "0.000000005",
        billing_reason: "usage",
        replayed: false,
      },
    });
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.recorded[0]).toMatchObject({ dialect: "openai.chat", requestedModel: "gpt-4o" });
    expect(requestIdOf(answer)).toBe(String(gateway.recorded[0]?.requestId));
    expect(gateway.settled).toHaveLength(1);
  });

  it("as a stream: its ID at once, chunks as they come, and the cost at the end", async () => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const events = await all(iterate(clientOf(gateway).chat.stream, request));
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    const request_id = String(gateway.recorded[0]?.requestId);
    expect(events).toMatchObject([
      { type: "start", throughline: { request_id } },
      { type: "chunk", chunk: chunk("Hel") },
      { type: "chunk", chunk: chunk("lo") },
      { type: "end", throughline: { request_id, billed_usd: "0.000000005", usage: { output_tokens: 2 } } },
    ]);
  });

  it.each(["a loop that is left", "a signal"])("%s ends the upstream's work on a stream", async (how) => {
    const cancelled = Promise.withResolvers<void>();
    await using gateway = await startTestGateway({ provider: { invoke: hanging(cancelled.resolve) } });
    const abort = new AbortController();
    const reading = async () => {
      for await (const event of iterate(clientOf(gateway).chat.stream, request, { signal: abort.signal })) {
        if (event.type !== "chunk") continue;
        if (how === "a signal") abort.abort(new Error("enough"));
        else break;
      }
    };
    const thrown = await caught(reading);
    expect(thrown).toEqual(how === "a signal" ? new Error("enough") : undefined);
    await cancelled.promise;
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.recorded[0]).toMatchObject({ errorCode: "client_closed_request" });
  });

  it("a signal ends the upstream's work on a call", async () => {
    const cancelled = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using gateway = await startTestGateway({ provider: { invoke: hanging(cancelled.resolve, begun.resolve) } });
    const abort = new AbortController();
    const calling = caught(() => clientOf(gateway).chat.create.mutate(request, { signal: abort.signal }));
    await begun.promise;
    abort.abort();
    expect(await calling).toBeInstanceOf(Error);
    await cancelled.promise;
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.recorded[0]).toMatchObject({ errorCode: "client_closed_request" });
  });

  it("a failure of the upstream is an error with both IDs, and is not tried again", async () => {
    let asked = 0;
    const failing = streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
      asked++;
      if (item.stream) writeFrames(out, [sse(chunk("Hel"))], "text/event-stream");
      const error = { code: "upstream_error", message: "The upstream broke.", upstreamRequestId: "up-7" };
      return { error, firstByte: item.stream };
    });
    await using gateway = await startTestGateway({ provider: { invoke: failing } });
    const client = clientOf(gateway);
    const whole = await refusal(() => client.chat.create.mutate(request));
    expect(whole).toMatchObject({
      code: "upstream_error",
      httpStatus: 502,
      upstreamRequestId: "up-7",
      retryable: true,
    });
    const events: string[] = [];
    const broken = await refusal(async () => {
      for await (const { type } of iterate(client.chat.stream, request)) events.push(type);
    });
    expect(events).toEqual(["start", "chunk"]);
    expect(broken).toMatchObject({ code: "upstream_error", upstreamRequestId: "up-7" });
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(2));
    const ids = gateway.recorded.map(({ requestId }) => String(requestId)).sort();
    expect([whole.requestId, broken.requestId].sort()).toEqual(ids);
    expect(asked).toBe(2);
  });

  const wrong: readonly [string, object, object][] = [
    [
      "a field of another type",
      { ...request, messages: [{ role: "user", content: 7 }] },
      { param: "messages[0].content" },
    ],
    ["a role that is none", { ...request, messages: [{ role: "nobody", content: "" }] }, { param: "messages[0].role" }],
    [
      "what a schema cannot say",
      { ...request, messages: [{ role: "tool", content: "" }] },
      { code: "missing_required_field" },
    ],
    ["a field that is missing", { model: "gpt-4o" }, { code: "missing_required_field", param: "messages" }],
    ["a stream where none is given", { ...request, stream: true }, { param: "stream" }],
    ["no body", [], { code: "invalid_value" }],
  ];
  it.each(wrong)("%s is refused as over HTTP, with its record", async (_, body, data) => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const error = await refusal(() => clientOf(gateway).chat.create.mutate(body as never));
    expect(error).toMatchObject({ httpStatus: 400, ...data });
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(String(gateway.recorded[0]?.requestId)).toBe(error.requestId);
    expect(gateway.recorded[0]).toMatchObject({ errorCode: error.code, dialect: "openai.chat" });
  });

  it.each([
    ["cli", /administration key/],
    ["narrow", /lacks the scope 'chat'/],
  ] as const)("a key of the kind %s is refused", async (kind, message) => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const client = clientOf(gateway, secrets[kind]);
    const called = await refusal(() => client.chat.create.mutate(request));
    expect(called).toMatchObject({ code: "permission_denied", message: expect.stringMatching(message) });
    const streamed = await refusal(() => all(iterate(client.chat.stream, request)));
    expect(streamed).toMatchObject({ code: "permission_denied", httpStatus: 403 });
    const [batched] = await rawBatch(gateway, secrets[kind], 2);
    expect(batched?.error?.data).toMatchObject({ code: "permission_denied" });
  });

  it("a stream that broke is not begun again: its client is told which request it was", async () => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const headers = {
      authorization: `Bearer ${secrets.api}`,
      "last-event-id": "123",
      "content-type": "application/json",
    };
    const init = { method: "POST", body: JSON.stringify(request), headers };
    const text = await (await fetch(`${gateway.url}/trpc/chat.stream`, init)).text();
    expect(text).toMatch(/serialized-error[\s\S]*The stream of request 123 broke/);
    expect(gateway.settled).toEqual([]);
  });

  it("a repeat of its idempotency key is answered with the first answer, for nothing", async () => {
    const keys: string[] = [];
    const billing: Stubs["billing"] = {
      reserve: each<ReserveItem, Reservation>(({ idempotencyKey }) => {
        keys.push(idempotencyKey);
        return { replayRequestId: 7n };
      }),
      getAnswer: unaryHandler<GetAnswerRequest, GetAnswerResponse>(async () => ({
        contentType: "application/json",
        body: Buffer.from(JSON.stringify(completion)),
      })),
    };
    await using gateway = await startTestGateway({ billing });
    const answer = await clientOf(gateway).chat.create.mutate(request, idempotent("order-77"));
    expect(keys).toEqual(["order-77"]);
    expect(answer).toMatchObject({ ...completion, throughline: { replayed: true, billed_usd: "0" } });
  });
});

/** What a client that batches all it sends gets. */
async function rawBatch(gateway: TestGateway, secret: string, calls: number, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/trpc/${Array(calls).fill("chat.create").join(",")}?batch=1`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(Object.fromEntries(Array(calls).fill(request).entries())),
  });
  return (await response.json()) as {
    result?: { data: { throughline: { request_id: string } } };
    error?: { data: { code: string; request_id: string; param: string | null } };
  }[];
}

describe("calls that travel together", () => {
  it("have an ID, a story and a record each", async () => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const client = createTRPCClient<AppRouter>({
      links: [httpBatchLink({ url: `${gateway.url}/trpc`, headers: { authorization: `Bearer ${secrets.api}` } })],
    });
    const answers = await Promise.all([1, 2, 3].map(() => client.chat.create.mutate(request)));
    const ids = answers.map(({ throughline }) => throughline.request_id);
    expect(new Set(ids).size).toBe(3);
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(3));
    expect(gateway.recorded.map(({ requestId }) => String(requestId)).sort()).toEqual([...ids].sort());
    const lines = gateway.lines.filter(({ route }) => route === "/trpc/chat.create");
    expect(lines.map(({ request_id, status }) => [request_id, status]).sort()).toEqual(
      ids.map((id) => [id, 200]).sort(),
    );
  });

  it("fail each by itself, with the ID that is on its record", async () => {
    await using gateway = await startTestGateway({
      provider: { invoke },
      routing: {
        resolve: each(() => Promise.reject(new ThroughlineError("model_not_supported", "No such model.")) as never),
      },
    });
    const told = await rawBatch(gateway, secrets.api, 2);
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(2));
    const ids = told.map(({ error }) => error?.data.request_id).sort();
    expect(ids).toEqual(gateway.recorded.map(({ requestId }) => String(requestId)).sort());
  });

  it("may not share an idempotency key", async () => {
    await using gateway = await startTestGateway({ provider: { invoke } });
    const told = await rawBatch(gateway, secrets.api, 2, { "idempotency-key": "one" });
    expect(told.map(({ error }) => error?.data.param)).toEqual(["Idempotency-Key", "Idempotency-Key"]);
    expect(gateway.settled).toEqual([]);
  });

  it("are split by the client where they are more than the gateway takes", async () => {
    await using gateway = await startTestGateway({
      provider: { invoke: answering("{}") },
      billing: { listKeys: unaryHandler(async () => ({ keys: [], hasMore: false })) },
    });
    const client = clientOf(gateway, secrets.cli);
    const lists = await Promise.all(Array.from({ length: 45 }, () => client.keys.list.query()));
    expect(lists.every(({ has_more }) => !has_more)).toBe(true);
    const batches = new Set(lists.map((list) => requestIdOf(list)));
    expect([batches.size, batches.has(undefined)]).toEqual([3, false]);
  });
});
