import { describe, expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { toWireError } from "../../shared/errors/wire.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../../shared/rpc/index.ts";
import { startTestGateway, writeFrames } from "../testing.ts";

const usage = { inputTokens: 300n, outputTokens: 200n };
const stopped = { usage, cancelled: true, attempts: [{ channel: "stub" }] };

/** A client's body. */
function ask(stream: boolean) {
  return { model: "m", messages: [{ role: "user", content: "Hi" }], stream };
}

describe("the time that a request may take", () => {
  /** An upstream that is stopped by the deadline; with a frame before it where one is given. */
  function slow(...frames: readonly string[]) {
    return streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
      writeFrames(out, frames, "text/event-stream");
      await new Promise<void>((resolve) => call.onStop(resolve));
      return { ...stopped, firstByte: frames.length > 0 };
    });
  }

  it("ends a stream with an error; what was consumed by then is charged, and its attempts are on the record", async () => {
    await using gateway = await startTestGateway(
      { provider: { invoke: slow("data: {}\n\n") } },
      { requestTimeoutMs: 100, processingAfterMs: 60_000 },
    );
    const response = await gateway.call("/v1/chat/completions", ask(true));
    expect(await response.text()).toContain("upstream_timeout");
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.BROKEN, usage }]);
    expect(gateway.recorded).toMatchObject([
      { status: RecordStatus.FAILED, errorCode: "upstream_timeout", detail: { attempts: [{ channel: "stub" }] } },
    ]);
  });

  it("is a 504 that costs nothing before the first byte", async () => {
    await using gateway = await startTestGateway(
      { provider: { invoke: slow() } },
      { requestTimeoutMs: 100, processingAfterMs: 60_000 },
    );
    const response = await gateway.call("/v1/chat/completions", ask(false));
    expect([response.status, await response.json()]).toMatchObject([504, { error: { code: "upstream_timeout" } }]);
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED }]);
    expect(gateway.recorded).toMatchObject([{ detail: { attempts: [{ channel: "stub" }] } }]);
  });

  it.each([true, false])("is no success where the provider notices it first (stream: %s)", async (stream) => {
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async () => stopped);
    await using gateway = await startTestGateway({ provider: { invoke } });
    const response = await gateway.call("/v1/chat/completions", ask(stream));
    expect([response.status, await response.json()]).toMatchObject([504, { error: { code: "upstream_timeout" } }]);
    await vi.waitFor(() => expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED }]));
  });
});

it("a JSON answer that breaks off between its pieces is an error that costs nothing: the client was given none of them", async () => {
  const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
    writeFrames(out, ['{"first":']);
    const error = toWireError(new ThroughlineError("upstream_error", "The upstream broke off."));
    return { usage, firstByte: true, error };
  });
  await using gateway = await startTestGateway({ provider: { invoke } });
  const response = await gateway.call("/v1/chat/completions", ask(false));
  expect([response.status, await response.json()]).toMatchObject([502, { error: { code: "upstream_error" } }]);
  await vi.waitFor(() => expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED }]));
});

describe("a stop", () => {
  it("settles and records what it cuts at the end of its grace", async () => {
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
      writeFrames(out, ["data: {}\n\n"], "text/event-stream");
      await new Promise<void>((resolve) => call.onStop(resolve));
      // The upstream's socket closes, and the outcome comes a moment after the cut.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { ...stopped, firstByte: true };
    });
    const gateway = await startTestGateway({ provider: { invoke } }, { shutdownGraceMs: 300 });
    const response = await gateway.call("/v1/chat/completions", ask(true));
    const cut = response.text();
    await gateway[Symbol.asyncDispose]();
    expect(await cut).toContain('"code":"service_unavailable"');
    expect(gateway.settled).toMatchObject([{ case: SettleCase.BROKEN, usage }]);
    expect(gateway.recorded.at(-1)).toMatchObject({ status: RecordStatus.FAILED, errorCode: "service_unavailable" });
  });
});
