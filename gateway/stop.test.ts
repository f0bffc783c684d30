import { Client } from "undici";
import { describe, expect, it, vi } from "vitest";
import { SettleCase } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../shared/rpc/index.ts";
import { startTestGateway, writeFrames } from "./testing.ts";

/** A provider that answers until it is told to stop; of a stream it gives the beginning. */
function endless(asked: () => void) {
  return streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    if (call.item.stream) writeFrames(out, ["data: one\n\n"], "text/event-stream");
    asked();
    await new Promise<void>((resolve) => call.onStop(resolve));
    return { cancelled: true, firstByte: call.item.stream, usage: { inputTokens: 3n, outputTokens: 1n } };
  });
}

describe("a gateway whose grace is over", () => {
  it.each([true, false])("tells the clients of requests that run (stream: %s), and the records", async (stream) => {
    const asked = Promise.withResolvers<void>();
    const gateway = await startTestGateway({ provider: { invoke: endless(asked.resolve) } });
    const answer = gateway.call("/v1/chat/completions", {
      model: "m",
      stream,
      messages: [{ role: "user", content: "Hi" }],
    });
    await asked.promise;
    if (stream) await answer;
    const stopped = gateway[Symbol.asyncDispose]();
    const response = await answer;
    const text = await response.text();
    expect(response.status).toBe(stream ? 200 : 503);
    expect(text).toContain('"code":"service_unavailable"');
    await stopped;
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: stream ? SettleCase.BROKEN : SettleCase.FAILED }]);
    expect(gateway.recorded).toMatchObject([{ status: RecordStatus.FAILED, errorCode: "service_unavailable" }]);
  });
});

describe("a gateway that stops", () => {
  it("answers what comes over a connection that its client keeps, and tells the client to take another", async () => {
    const gateway = await startTestGateway({}, { shutdownGraceMs: 60_000 });
    const client = new Client(gateway.url, { keepAliveTimeout: 60_000 });
    const ask = async () => {
      const { statusCode, headers, body } = await client.request({ method: "GET", path: "/healthz" });
      await body.dump();
      return { statusCode, connection: headers.connection };
    };
    expect(await ask()).toEqual({ statusCode: 200, connection: "keep-alive" });
    const gone = new Promise((resolve) => client.once("disconnect", resolve));
    const stopped = gateway[Symbol.asyncDispose]();
    expect(await ask()).toEqual({ statusCode: 200, connection: "close" });
    await Promise.all([gone, stopped]);
    await client.destroy();
  });
});
