import { describe, expect, test } from "vitest";
import { failureOf, soon, transports } from "./testing-pairs.ts";

describe.each(transports)("a unary method %s", (_name, pair) => {
  test("answers, and hands the envelope to the handler", async () => {
    const { client } = await pair();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const data = new Uint8Array([0, 255]);
    const answer = await client.echoOnce({ text: "é", data }, { ...soon, requestId: 2n ** 64n - 1n, traceparent });
    expect(answer).toMatchObject({ text: "é", requestId: 2n ** 64n - 1n, traceparent });
    expect([...answer.data]).toEqual([0, 255]);
  });

  test("carries an error whole", async () => {
    const { client } = await pair();
    expect(await failureOf(client.echoOnce({ text: "fail:budget" }, soon))).toMatchObject({
      code: "insufficient_quota",
      httpStatus: 429,
      message: "The budget is spent.",
      param: "model",
      retryAfterMs: 1_500,
      upstreamRequestId: "up-1",
      headers: { "x-ratelimit-limit": "7" },
    });
  });

  test("a handler's bug is an internal error without its text", async () => {
    const { client } = await pair();
    const failed = await failureOf(client.echoOnce({ text: "throw" }, soon));
    expect(failed.code).toBe("internal_error");
    expect(failed.message).not.toContain("secret");
  });

  test("rejects at the deadline, and the handler's signal aborts", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const failed = await failureOf(client.echoOnce({ text: "watch" }, { timeoutMs: 60 }));
    expect(failed.code).toBe("upstream_timeout");
    await echo.until(({ aborted }) => aborted.length > 0);
  });

  test("a cancel rejects at once and reaches the handler", async () => {
    const { client, echo } = await pair();
    const controller = new AbortController();
    const call = failureOf(client.echoOnce({ text: "watch" }, { ...soon, signal: controller.signal }));
    await echo.until(({ texts }) => texts.includes("watch"));
    controller.abort();
    expect((await call).code).toBe("client_closed_request");
    await echo.until(({ aborted }) => aborted.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "client_closed_request" }]);
  });

  test("an oversized request is refused", async () => {
    const { client, echo } = await pair({ maxMessageBytes: 1_000 });
    const failed = await failureOf(client.echoOnce({ data: new Uint8Array(1_001) }, soon));
    expect(failed.code).toBe("request_too_large");
    expect(echo.seen.texts).toEqual([]);
  });

  test("a server that dies fails the call", async () => {
    const { client, echo, stop } = await pair();
    const call = failureOf(client.echoOnce({ text: "hold" }, soon));
    await echo.until(({ texts }) => texts.includes("hold"));
    await stop(0);
    expect((await call).code).toBe("service_unavailable");
  });
});
