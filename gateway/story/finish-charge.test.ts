import { describe, expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import {
  SettleCase,
  type StoreAnswerRequest,
  type StoreAnswerResponse,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Recorded, RecordItem } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { ResolveItem, Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { streamHandler, unaryHandler } from "../../shared/rpc/index.ts";
import { candidate, each, startTestGateway } from "../testing.ts";

const chat = { model: "m", messages: [{ role: "user", content: "Hi" }] };

/** A provider that goes away after the first frame of the channel. */
const dying = (channel: string) =>
  streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
    out.write({ data: Buffer.from("data: {}\n\n"), head: { contentType: "text/event-stream", channel } });
    throw new ThroughlineError("service_unavailable", "The provider went away.");
  });

describe("a provider that goes away in the middle", () => {
  it("is settled at the price of the candidate that had begun to answer, not of the first", async () => {
    const dear = { channel: "second", pricing: { strategy: "dear", groupRatioPpm: 1_000_000 } };
    const resolve = each<ResolveItem, Route>(({ model }) => ({ model, candidates: [candidate, dear] }));
    await using gateway = await startTestGateway({ provider: { invoke: dying("second") }, routing: { resolve } });
    await (await gateway.call("/v1/chat/completions", { ...chat, stream: true })).text();
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([
      { case: SettleCase.BROKEN, facts: { channel: "second" }, pricing: { strategy: "dear" } },
    ]);
    expect(gateway.recorded).toMatchObject([{ channel: "second", strategy: "dear" }]);
  });

  it("costs nothing where the client got an error in place of the answer", async () => {
    await using gateway = await startTestGateway({ provider: { invoke: dying("stub") } });
    const response = await gateway.call("/v1/chat/completions", chat);
    expect(response.status).toBe(503);
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED, usage: { outputTokens: 0n } }]);
  });
});

describe("an answer for an Idempotency-Key", () => {
  it("is stored while history is away, or a repeat would be charged", async () => {
    const stored = Promise.withResolvers<bigint>();
    const storeAnswer = unaryHandler<StoreAnswerRequest, StoreAnswerResponse>(async ({ requestId }) => {
      stored.resolve(requestId);
      return {};
    });
    let away = true;
    const recorded = Promise.withResolvers<bigint>();
    const record = each<RecordItem, Recorded>((item) => {
      if (away) throw new ThroughlineError("service_unavailable", "History is away.");
      recorded.resolve(item.record?.requestId ?? 0n);
      return {};
    });
    await using gateway = await startTestGateway({ billing: { storeAnswer }, history: { record } });
    const response = await gateway.call("/v1/chat/completions", chat, { headers: { "idempotency-key": "k" } });
    const id = BigInt(response.headers.get("request-id") ?? 0);
    expect(await stored.promise).toBe(id);
    away = false;
    expect(await recorded.promise).toBe(id);
  });
});
