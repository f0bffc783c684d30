import { connect, type Socket } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { toWireError } from "../../shared/errors/wire.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type FrameSink, type LaneCall, streamHandler } from "../../shared/rpc/index.ts";
import { each, principals, secrets, startTestGateway, writeFrames } from "../testing.ts";
import { responsesInBandError } from "./in-band-errors.ts";

const user = [{ role: "user" as const, content: "Hi" }];
const eventStream = "text/event-stream; charset=utf-8";
const usage = { inputTokens: 3n, outputTokens: 2n };

/** An upstream that sends frames and then fails, as the provider tells it. */
function breaking(...frames: readonly string[]) {
  return streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
    writeFrames(out, frames, eventStream);
    const error = new ThroughlineError("upstream_error", "The upstream broke off.", { upstreamRequestId: "up-1" });
    return { usage, firstByte: frames.length > 0, error: toWireError(error) };
  });
}

describe("a failure after the first byte", () => {
  const chunk = {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta: { content: "He" } }],
  };
  const chatFrame = `data: ${JSON.stringify(chunk)}\n\n`;

  it("makes the OpenAI SDK throw with the code and the request ID", async () => {
    await using gateway = await startTestGateway({ provider: { invoke: breaking(chatFrame) } });
    const client = new OpenAI({ apiKey: secrets.api, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const { data, response } = await client.chat.completions
      .create({ model: "m", messages: user, stream: true })
      .withResponse();
    const failure = await readAll(data).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({
      error: { code: "upstream_error", request_id: response.headers.get("x-request-id"), upstream_request_id: "up-1" },
    });
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.BROKEN, usage }]);
    expect(gateway.recorded).toMatchObject([{ status: RecordStatus.FAILED, errorCode: "upstream_error" }]);
  });

  it("makes the Anthropic SDK throw with the request ID", async () => {
    const start = {
      type: "message_start",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    };
    const frame = `event: message_start\ndata: ${JSON.stringify(start)}\n\n`;
    await using gateway = await startTestGateway({ provider: { invoke: breaking(frame) } });
    const client = new Anthropic({ apiKey: secrets.api, baseURL: gateway.url, maxRetries: 0 });
    const { data, response } = await client.messages
      .create({ model: "m", max_tokens: 5, messages: user, stream: true })
      .withResponse();
    const failure = await readAll(data).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Anthropic.APIError);
    expect(failure).toMatchObject({
      error: {
        type: "error",
        error: { type: "api_error", code: "upstream_error" },
        request_id: response.headers.get("request-id"),
      },
    });
  });

  it("is a flat, numbered error event of responses", async () => {
    const frame = `event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\nevent: response.in_progress\ndata: {"type":"response.in_progress","sequence_number":1}\n\n`;
    await using gateway = await startTestGateway({ provider: { invoke: breaking(frame) } });
    const client = new OpenAI({ apiKey: secrets.api, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const { data, response } = await client.responses.create({ model: "m", input: "Hi", stream: true }).withResponse();
    const failure = await readAll(data).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(Reflect.get(Object(failure), "error")).toEqual({
      type: "error",
      code: "upstream_error",
      message: "The upstream broke off.",
      param: null,
      sequence_number: 2,
      request_id: response.headers.get("x-request-id"),
      upstream_request_id: "up-1",
    });
    expect(responsesInBandError(new ThroughlineError("upstream_error", "x"), "1", undefined)).toContain(
      '"sequence_number":0',
    );
  });

  it("before it, the failure has its own status", async () => {
    await using gateway = await startTestGateway({ provider: { invoke: breaking() } });
    const response = await gateway.call("/v1/messages", { model: "m", max_tokens: 5, messages: user, stream: true });
    expect([response.status, response.headers.get("x-upstream-request-id")]).toEqual([502, "up-1"]);
    expect(await response.json()).toMatchObject({ error: { code: "upstream_error", upstream_request_id: "up-1" } });
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED }]);
  });
});

describe("keys of the messages API", () => {
  it("takes both headers, and x-api-key where both are sent", async () => {
    await using gateway = await startTestGateway();
    const body = { model: "m", max_tokens: 5, messages: user };
    const send = async (path: string, headers: Record<string, string>) =>
      (await gateway.call(path, { ...body, input: "a" }, { headers: { authorization: "", ...headers } })).status;
    const bearer = { authorization: `Bearer ${secrets.api}` };
    expect(await send("/v1/messages", { "x-api-key": secrets.api })).toBe(200);
    expect(await send("/v1/messages", bearer)).toBe(200);
    expect(await send("/v1/messages", { ...bearer, "x-api-key": "unknown-key" })).toBe(401);
    expect(await send("/v1/messages", { authorization: "Bearer unknown", "x-api-key": secrets.api })).toBe(200);
    expect(await send("/v1/responses", { authorization: "Bearer unknown", "x-api-key": secrets.api })).toBe(401);
  });
});

describe("a client that is slow or leaves", () => {
  const body = JSON.stringify({ model: "m", messages: user, stream: true });
  const frame = `data: ${"x".repeat(16_000)}\n\n`;

  /** An upstream without end that stops while it is asked to, and tells what happens to it. */
  function endless() {
    const seen = { frames: 0, paused: 0, cancelled: Promise.withResolvers<void>() };
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
      const cancelled = new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      writeFrames(out, [frame], eventStream);
      while (!call.signal.aborted) {
        if (out.paused) {
          seen.paused++;
          await Promise.race([cancelled, resumed(out)]);
        } else {
          out.write({ data: Buffer.from(frame) });
          seen.frames++;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      seen.cancelled.resolve();
      return { usage, cancelled: true, firstByte: true };
    });
    return { seen, invoke };
  }

  it("stalls its own upstream, not the gateway's memory; leaving cancels it and is settled by policy", async () => {
    const { seen, invoke } = endless();
    await using gateway = await startTestGateway({ provider: { invoke } });
    const socket = await send(gateway.port, body);
    await vi.waitFor(() => expect(seen.paused).toBeGreaterThan(0), { timeout: 5_000 });
    const stalledAt = seen.frames;
    expect(stalledAt * frame.length).toBeLessThan(16_000_000);
    socket.resume();
    await vi.waitFor(() => expect(seen.frames).toBeGreaterThan(stalledAt + 20));
    socket.destroy();
    await seen.cancelled.promise;
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([
      { case: SettleCase.DISCONNECTED, policy: principals.api.disconnectPolicy, usage },
    ]);
    expect(gateway.recorded).toMatchObject([{ errorCode: "client_closed_request", httpStatus: 499 }]);
    await vi.waitFor(() => expect(gateway.lines.some((line) => line.status === 499)).toBe(true));
  });

  it("that reads nothing is given up at the deadline, and its connection a while later", async () => {
    const { seen, invoke } = endless();
    const times = { requestTimeoutMs: 1_000, unreadMs: 1_000, processingAfterMs: 60_000 };
    await using gateway = await startTestGateway({ provider: { invoke } }, times);
    const socket = await send(gateway.port, body);
    socket.pause();
    await seen.cancelled.promise;
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1), { timeout: 5_000 });
    expect(gateway.settled).toMatchObject([{ case: SettleCase.BROKEN, usage }]);
    expect(gateway.recorded).toMatchObject([{ errorCode: "upstream_timeout" }]);
    expect(gateway.lines).toEqual([]);
    await vi.waitFor(() => expect(gateway.lines).toMatchObject([{ status: 200, error_code: "upstream_timeout" }]), {
      timeout: 10_000,
    });
    socket.destroy();
  });

  it("is read on under the policy drain", async () => {
    const left = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call: LaneCall<InvokeItem>, out) => {
      writeFrames(out, [frame], eventStream);
      await left.promise;
      out.write({ data: Buffer.from(frame) });
      finished.resolve();
      return { usage: { inputTokens: 3n, outputTokens: 99n }, firstByte: true, cancelled: call.signal.aborted };
    });
    const drains = { ...principals.api, disconnectPolicy: DisconnectPolicy.DRAIN };
    await using gateway = await startTestGateway({
      provider: { invoke },
      billing: { authenticate: each(() => drains) },
    });
    const socket = await send(gateway.port, body);
    await new Promise((resolve) => socket.once("data", resolve).resume());
    socket.destroy();
    await vi.waitFor(() => expect(gateway.lines.some((line) => line.status === 499)).toBe(true));
    left.resolve();
    await finished.promise;
    await vi.waitFor(() => expect(gateway.settled).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.DISCONNECTED, usage: { outputTokens: 99n } }]);
  });

  it("of one JSON body: leaving cancels the upstream and costs nothing where nothing was sent", async () => {
    const began = Promise.withResolvers<void>();
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call) => {
      began.resolve();
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      return { cancelled: true };
    });
    await using gateway = await startTestGateway({ provider: { invoke } });
    const socket = await send(gateway.port, JSON.stringify({ model: "m", messages: user }));
    await began.promise;
    socket.destroy();
    await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1));
    expect(gateway.settled).toMatchObject([{ case: SettleCase.FAILED }]);
  });

  it("hears a comment while the upstream is silent", async () => {
    const heard = Promise.withResolvers<void>();
    const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
      writeFrames(out, ["data: 1\n\n"], eventStream);
      await heard.promise;
      out.write({ data: Buffer.from("data: 2\n\n") });
      return { usage, firstByte: true };
    });
    await using gateway = await startTestGateway({ provider: { invoke } }, { keepAliveMs: 20 });
    const response = await gateway.call("/v1/chat/completions", body);
    let text = "";
    for await (const part of response.body ?? []) {
      text += Buffer.from(part).toString();
      if (text.includes(": keep-alive\n\n")) heard.resolve();
    }
    expect(text).toMatch(/^data: 1\n\n(: keep-alive\n\n)+data: 2\n\n$/);
  });
});

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}

function resumed(out: FrameSink<Frame>): Promise<void> {
  return new Promise((resolve) => out.onPauseChange((paused) => paused || resolve()));
}

/** Sends a chat request over a socket of its own and reads nothing. */
async function send(port: number, body: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.pause();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return socket;
}
