import { describe, expect, test } from "vitest";
import { adapters } from "../registry.ts";
import { httpFailure, inBandFailure, readError } from "./errors.ts";

/** What a vendor's flavour makes of an answer. */
function fail(vendor: string, status: number, body: unknown, headers: Record<string, string> = {}) {
  const opened = adapters.openai?.open(JSON.stringify(vendor === "" ? {} : { vendor }));
  const failure = opened?.failure(status, headers, typeof body === "string" ? body : JSON.stringify(body), "up-1");
  if (failure === undefined) throw new Error("the adapter is not there");
  return failure;
}

describe("errors of vendors in the catalogue's words", () => {
  const cases: [vendor: string, status: number, body: unknown, code: string, failover: boolean][] = [
    ["openai", 400, { error: { message: "bad", code: "context_length_exceeded" } }, "context_length_exceeded", false],
    ["openai", 400, { error: { message: "Unknown parameter: 'x'.", param: "x" } }, "invalid_value", false],
    ["openai", 401, { error: { message: "Incorrect API key sk-abcdefghi" } }, "upstream_error", true],
    ["openai", 429, { error: { message: "Rate limit", code: "rate_limit_exceeded" } }, "upstream_overloaded", true],
    ["openai", 429, { error: { message: "quota", code: "insufficient_quota" } }, "upstream_error", true],
    ["openai", 404, { error: { message: "no", code: "model_not_found" } }, "upstream_error", true],
    ["azure", 400, { error: { message: "filtered", code: "content_filter" } }, "invalid_value", false],
    ["deepseek", 402, { error: { message: "Insufficient Balance" } }, "upstream_error", true],
    ["dashscope", 400, { error: { message: "Access denied", code: "Arrearage" } }, "upstream_error", true],
    ["dashscope", 400, { error: { code: "invalid_parameter_error", message: "bad" } }, "invalid_value", false],
    ["dashscope", 400, { code: "Throttling.RateQuota", message: "slow down" }, "upstream_overloaded", true],
    ["moonshot", 429, { error: { type: "exceeded_current_quota_error", message: "" } }, "upstream_error", true],
    ["moonshot", 429, { error: { type: "engine_overloaded_error", message: "" } }, "upstream_overloaded", true],
    ["zhipu", 429, { error: { code: "1113", message: "余额不足" } }, "upstream_error", true],
    ["zhipu", 429, { error: { code: "1302", message: "并发" } }, "upstream_overloaded", true],
    ["zhipu", 400, { error: { code: "1261", message: "Prompt 超长" } }, "context_length_exceeded", false],
    ["zhipu", 400, { error: { code: "1301", message: "敏感" } }, "invalid_value", false],
    [
      "mistral",
      422,
      { detail: [{ loc: ["body", "x"], msg: "Extra inputs are not permitted" }] },
      "invalid_value",
      false,
    ],
    ["openrouter", 200, { error: { code: 429, message: "slow" } }, "upstream_overloaded", true],
    ["openrouter", 402, { error: { code: 402, message: "no credits" } }, "upstream_error", true],
    [
      "openrouter",
      402,
      { error: { code: 402, message: "It would exceed your credits given your current in-flight requests." } },
      "upstream_overloaded",
      true,
    ],
    ["ollama", 404, { error: { message: 'model "x" not found, try pulling it first' } }, "upstream_error", true],
    [
      "vllm",
      400,
      { object: "error", message: "maximum context length is 10", code: 400 },
      "context_length_exceeded",
      false,
    ],
    ["", 503, "<html>bad gateway</html>", "upstream_overloaded", true],
    ["", 500, "", "upstream_error", true],
    ["", 504, "", "upstream_timeout", true],
    ["", 413, "{}", "request_too_large", false],
  ];
  test.each(cases)("%s %i %j is %s", (vendor, status, body, code, failover) => {
    const failure = fail(vendor, status, body);
    expect(failure.error.code).toBe(code);
    expect(failure.failover).toBe(failover);
    expect(failure.error.upstreamRequestId).toBe("up-1");
  });

  test("a credential is never told, and the vendor's message never of what is ours", () => {
    const { error } = fail("openai", 401, { error: { message: "Incorrect API key provided: sk-abc12345678" } });
    expect(error.message).toBe("The upstream refused the platform's credential.");
    const bad = fail("openai", 400, { error: { message: "see https://x.openai.com/a about org-abcdef123456" } });
    expect(bad.error.message).toBe("see [link] about [id]");
  });

  test("an account without credit rests for a minute, an overloaded channel as long as it says", () => {
    expect(fail("zhipu", 429, { error: { code: "1113" } }).cooldownMs).toBe(60_000);
    expect(fail("", 429, {}, { "retry-after": "7" })).toMatchObject({
      cooldownMs: 7_000,
      error: { retryAfterMs: 7_000 },
    });
    expect(fail("azure", 429, {}, { "x-ms-retry-after-ms": "1500" }).cooldownMs).toBe(1_500);
    expect(fail("", 429, {}, { "retry-after": "999999" }).cooldownMs).toBe(60_000);
  });

  test("a request ID that only the body says is kept", () => {
    const body = JSON.stringify({ request_id: "body-7", error: { code: "1234", message: "x" } });
    expect(httpFailure(500, {}, body, "").error.upstreamRequestId).toBe("body-7");
  });
});

describe("shapes of error bodies", () => {
  test.each([
    ['{"error":{"message":"m","code":"c","param":"p"}}', "m"],
    ['[{"error":{"message":"m"}}]', "m"],
    ['{"error":"m"}', "m"],
    ['{"message":"m","code":"c"}', "m"],
    ['{"detail":"m"}', "m"],
    ['{"detail":[{"msg":"m"}]}', "m"],
    ['{"object":"error","message":{"detail":[{"msg":"m"}]},"type":"invalid_request_error"}', "m"],
    ['{"msg":"m"}', "m"],
    ['{"error_msg":"m"}', "m"],
    ['{"errors":[{"message":"m"}]}', "m"],
    ["<html>", ""],
    ["", ""],
    ["null", ""],
  ])("%s says %j", (body, message) => {
    expect(readError(body).message).toBe(message);
  });
});

describe("errors inside an answer that has begun", () => {
  test.each([
    [{ code: 429, message: "x" }, "upstream_overloaded"],
    [{ code: 502, message: "Provider returned error" }, "upstream_error"],
    [{ type: "overloaded_error", message: "x" }, "upstream_overloaded"],
    [{ code: "rate_limit_exceeded", message: "x" }, "upstream_overloaded"],
    [{ message: "boom" }, "upstream_error"],
    [{ code: 400, message: "bad input" }, "upstream_error"],
  ])("%j is %s", (error, code) => {
    expect(inBandFailure(error).code).toBe(code);
  });
});
