import { describe, expect, it, vi } from "vitest";
import type {
  GetAnswerRequest,
  GetAnswerResponse,
  Reservation,
  ReserveItem,
  SettleItem,
  Settlement,
  StoreAnswerRequest,
  StoreAnswerResponse,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Recorded, RecordItem } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { batchHandler, streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { type Stubs, startTestGateway, writeFrames } from "../testing.ts";

const key = { headers: { "idempotency-key": "k" } };
const body = (stream: boolean) => ({ model: "m", stream, messages: [{ role: "user", content: "Hi" }] });
const frames = ["data: one\n\n", "data: two\n\n", "data: [DONE]\n\n"];

/** A provider whose last frame travels with its outcome, as frames of one tick do; the others come before. */
const invoke = streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
  if (!item.stream) writeFrames(out, ["{}"]);
  else {
    writeFrames(out, frames.slice(0, 2), "text/event-stream");
    await new Promise((resolve) => setImmediate(resolve));
    out.write({ data: Buffer.from(frames[2] ?? "") });
  }
  return { usage: { inputTokens: 3n, outputTokens: 2n }, finishReason: "stop", firstByte: true };
});

/** Holds what must come before the end of an answer, and notes what came in which order. */
function held(order: string[]) {
  const settled = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  const billing: Stubs["billing"] = {
    settle: batchHandler<SettleItem, Settlement>(async (calls) => {
      order.push(calls.every(({ item }) => item.waited) ? "settle" : "settle when others come");
      await settled.promise;
      return calls.map(() => ({ billedNanoUsd: 5n, reason: "usage" }));
    }),
    storeAnswer: unaryHandler<StoreAnswerRequest, StoreAnswerResponse>(async () => {
      order.push("store");
      await stored.promise;
      return {};
    }),
  };
  return { settled, stored, billing };
}

describe("the end of an answer waits", () => {
  it.each([false, true])("for settlement and stored answer of an Idempotency-Key (stream: %s)", async (stream) => {
    const order: string[] = [];
    const { settled, stored, billing } = held(order);
    await using gateway = await startTestGateway({ provider: { invoke }, billing });
    let got = "";
    const reading = gateway.call("/v1/chat/completions", body(stream), key).then(async (response) => {
      for await (const part of response.body ?? []) got += Buffer.from(part).toString();
      order.push("end");
    });
    await vi.waitFor(() => expect(order).toEqual(["settle"]));
    if (stream) await vi.waitFor(() => expect(got).toBe(frames.slice(0, 2).join("")));
    settled.resolve();
    await vi.waitFor(() => expect(order).toEqual(["settle", "store"]));
    stored.resolve();
    await reading;
    expect(order).toEqual(["settle", "store", "end"]);
    expect(got).toBe(stream ? frames.join("") : "{}");
  });

  it("for the settlement of every request, where the deployment wants it so", async () => {
    const order: string[] = [];
    const { settled, billing } = held(order);
    await using gateway = await startTestGateway({ provider: { invoke }, billing }, { settleBeforeEnd: true });
    const reading = gateway.call("/v1/chat/completions", body(true)).then(async (response) => {
      await response.text();
      order.push("end");
    });
    await vi.waitFor(() => expect(order).toEqual(["settle"]));
    settled.resolve();
    await reading;
    expect(order).toEqual(["settle", "end"]);
  });

  it("no longer than a call may take: a client does not wait for billing that is away", async () => {
    const order: string[] = [];
    const { settled, stored, billing } = held(order);
    await using gateway = await startTestGateway({ provider: { invoke }, billing }, { callTimeoutMs: 50 });
    const response = await gateway.call("/v1/chat/completions", body(true), key);
    expect(await response.text()).toBe(frames.join(""));
    settled.resolve();
    stored.resolve();
  });

  it("not of a request without a key", async () => {
    const order: string[] = [];
    const { settled, billing } = held(order);
    await using gateway = await startTestGateway({ provider: { invoke }, billing });
    const response = await gateway.call("/v1/chat/completions", body(true));
    expect(await response.text()).toBe(frames.join(""));
    await vi.waitFor(() => expect(order).toEqual(["settle when others come"]));
    settled.resolve();
  });
});

it("waits for the record of a replay, of which nobody else knows", async () => {
  const order: string[] = [];
  const recorded = Promise.withResolvers<void>();
  const billing: Stubs["billing"] = {
    reserve: batchHandler<ReserveItem, Reservation>(async (calls) => calls.map(() => ({ replayRequestId: 7n }))),
    getAnswer: unaryHandler<GetAnswerRequest, GetAnswerResponse>(async () => ({
      contentType: "application/json",
      body: Buffer.from('{"again":true}'),
    })),
  };
  const history: Stubs["history"] = {
    record: batchHandler<RecordItem, Recorded>(async (calls) => {
      order.push(calls.every(({ item }) => item.waited) ? "record" : "record when others come");
      await recorded.promise;
      return calls.map(() => ({}));
    }),
  };
  await using gateway = await startTestGateway({ billing, history });
  const reading = gateway.call("/v1/chat/completions", body(false), key).then(async (response) => {
    expect(await response.json()).toEqual({ again: true });
    order.push("end");
  });
  await vi.waitFor(() => expect(order).toEqual(["record"]));
  recorded.resolve();
  await reading;
  expect(order).toEqual(["record", "end"]);
});

it("tells the provider when settlement and record are durable, and not before", async () => {
  const lost: bigint[] = [];
  const watched = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    call.unlessAcknowledged(() => lost.push(call.requestId));
    writeFrames(out, ["{}"]);
    return { usage: { inputTokens: 3n, outputTokens: 2n }, firstByte: true };
  });
  const { settled, billing } = held([]);
  const gateway = await startTestGateway({ provider: { invoke: watched }, billing });
  const first = await gateway.call("/v1/chat/completions", body(false));
  const id = BigInt(first.headers.get("request-id") ?? 0);
  // The gateway is stopped within its grace while the settlement hangs: its lane ends without a word for this request.
  await gateway[Symbol.asyncDispose]();
  expect(lost).toEqual([id]);
  settled.resolve();
});
