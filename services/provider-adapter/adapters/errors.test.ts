import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";
import { failureVerdict } from "../resilience/verdict.ts";
import type { OpenedAdapter } from "./adapter.ts";
import { adapters } from "./registry.ts";
import { retryAfterMs } from "./retry-after.ts";

/* What becomes of a vendor's refusal: the catalogue's word, whether another candidate is asked, and what rests meanwhile. */

const flavours: Readonly<Record<string, string>> = { bedrock: '{"region":"us-east-1"}' };

function opened(name: string): OpenedAdapter {
  const [adapter = "", vendor] = name.split("/");
  const flavour = vendor === undefined ? (flavours[adapter] ?? "") : JSON.stringify({ vendor });
  const found = adapters[adapter]?.open(flavour);
  if (found === undefined) throw new Error("the adapter is not there");
  return found;
}

function fail(
  name: string,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): UpstreamFailure {
  return opened(name).failure(status, headers, typeof body === "string" ? body : JSON.stringify(body), "");
}

const openai = (message: string, code: string | number = "", more: object = {}) => ({
  error: { message, code, type: "invalid_request_error", ...more },
});
const anthropic = (message: string) => ({ type: "error", error: { type: "invalid_request_error", message } });
const behind = (message: string) =>
  openai("Provider returned error", 400, {
    metadata: { raw: JSON.stringify(anthropic(message)), provider_name: "Anthropic" },
  });

/** What is said of the channel: its credential rests, it has a fault, nothing. */
type Said = "credential" | "rest" | "fault" | "neutral";

describe("what a vendor's words mean", () => {
  test.each<[string, number, unknown, code: string, failover: boolean, Said]>([
    // One model that the account may not use says nothing of the others, and a name nothing of the channel.
    [
      "openai/openai",
      403,
      openai("Project does not have access", "model_not_found"),
      "upstream_error",
      true,
      "neutral",
    ],
    ["openai/siliconflow", 400, { code: 20012, message: "Model does not exist." }, "upstream_error", true, "neutral"],
    ["openai", 410, openai("The model was retired."), "upstream_error", true, "neutral"],
    ["openai/openai", 401, openai("Incorrect API key", "invalid_api_key"), "upstream_error", true, "credential"],
    ["openai/openai", 429, openai("Not active", "billing_not_active"), "upstream_error", true, "credential"],
    // Limits of our account are not the client's mistake.
    ["openai", 413, openai("Request too large: TPM", "rate_limit_exceeded"), "upstream_overloaded", true, "credential"],
    ["openai", 498, openai("Flex tier", "capacity_exceeded"), "upstream_overloaded", true, "credential"],
    [
      "anthropic",
      400,
      anthropic("You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC."),
      ...(["upstream_error", true, "credential"] as const),
    ],
    ["anthropic", 400, anthropic("This organization has been disabled."), "upstream_error", true, "credential"],
    ["anthropic", 400, anthropic("max_tokens: must be positive"), "invalid_value", false, "neutral"],
    ["bedrock", 400, { message: "Operation not allowed" }, "upstream_error", true, "credential"],
    ["bedrock", 403, { message: "Model access is denied due to x" }, "upstream_error", true, "neutral"],
    [
      "cohere",
      429,
      { message: "Trial key, limited to 40 API calls / minute" },
      "upstream_overloaded",
      true,
      "credential",
    ],
    ["cohere", 429, { message: "Trial key, limited to 1000 API calls / month" }, "upstream_error", true, "credential"],
    // A body that is too long, in each one's words.
    ["openai/openrouter", 400, behind("prompt is too long: 5 tokens > 3"), "context_length_exceeded", false, "neutral"],
    [
      "openai",
      422,
      { error: "`inputs` must have less than 512 tokens. Given: 600" },
      "context_length_exceeded",
      false,
      "neutral",
    ],
    [
      "openai",
      422,
      { error: "`inputs` tokens + `max_new_tokens` must be <= 8193." },
      "context_length_exceeded",
      false,
      "neutral",
    ],
    ["openai", 400, openai("exceeds the available context size"), "context_length_exceeded", false, "neutral"],
    [
      "openai",
      400,
      openai("This model's maximum prompt length is 131072"),
      "context_length_exceeded",
      false,
      "neutral",
    ],
    [
      "voyage",
      400,
      { detail: "The max allowed tokens per submitted batch is 9." },
      "context_length_exceeded",
      false,
      "neutral",
    ],
  ])("%s %i %j is %s", (name, status, body, code, failover, said) => {
    const failure = fail(name, status, body);
    expect([failure.error.code, failure.failover, failureVerdict(status, failure).kind]).toEqual([
      code,
      failover,
      said,
    ]);
  });

  test("OpenRouter's own sentence says nothing, so the client hears what stands behind it", () => {
    const heard = (raw: string) =>
      fail("openai/openrouter", 400, openai("Provider returned error", 400, { metadata: { raw } })).error.message;
    expect(fail("openai/openrouter", 400, behind("tools.0: wrong")).error.message).toBe("tools.0: wrong");
    expect(heard("at most 1 image per prompt")).toBe("at most 1 image per prompt");
    for (const raw of ["<html>nginx</html>", "{cut", "[]", ""]) expect(heard(raw)).toBe("Provider returned error");
  });
});

describe("a status whose body says nothing", () => {
  /** Cohere has words of its own for these. */
  const own: Readonly<Record<string, readonly number[]>> = { cohere: [498, 499] };
  const names = Object.keys(adapters);
  const statuses = Array.from({ length: 200 }, (_, n) => 400 + n);
  const bodies = ["", "<html><body>Bad Gateway</body></html>", '{"error":{"mess', "null", "[]", '"text"', "\u0000"];

  test.each(names)("means to %s what it means to all", (name) => {
    const [one, usually] = [opened(name), opened("openai")];
    for (const status of statuses.filter((status) => own[name]?.includes(status) !== true)) {
      for (const body of bodies) {
        const { error, failover, unhealthy, cooldownMs } = one.failure(status, {}, body, "");
        const { error: usual, ...rest } = usually.failure(status, {}, "", "");
        expect([status, error.code, { failover, unhealthy, cooldownMs }]).toEqual([status, usual.code, rest]);
      }
    }
  });

  test("is the client's mistake only where it is about the request", () => {
    const clients = statuses.filter((status) => !fail("openai", status, "").failover);
    const about = [400, 406, 411, 412, 413, 414, 415, 416, 422, 451];
    expect(clients).toEqual(expect.arrayContaining(about));
    for (const status of [407, 421, 423, 424, 425, 426, 428, 431, 444, 460, 499]) expect(clients).not.toContain(status);
    expect(clients.filter((status) => status >= 500)).toEqual([]);
  });
});

describe("how long a vendor asks to be left alone", () => {
  const nowMs = Date.UTC(2026, 10, 30);
  beforeEach(() => {
    vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const inS = (seconds: number) => new Date(nowMs + seconds * 1_000).toISOString();
  test.each<[Readonly<Record<string, string>>, ms: number]>([
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": new Date(nowMs + 20_000).toUTCString() }, 20_000],
    [{ "retry-after-ms": "1500.5", "retry-after": "9" }, 1_501],
    [{ "retry-after-ms": "soon", "retry-after": "9" }, 9_000],
    [{ "x-ms-retry-after-ms": "250" }, 250],
    [{ "retry-after": "never" }, 0],
    [{ "retry-after": "-5" }, 0],
    [{ "retry-after": "" }, 0],
    // OpenAI, Azure, Groq
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" }, 60_000],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "950ms" }, 950],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2.5s" }, 2_500],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "0m3.25s" }, 3_250],
    [{ "x-ratelimit-remaining-tokens": "900", "x-ratelimit-reset-tokens": "2.5s" }, 0],
    [{ "x-ratelimit-reset-tokens": "2.5s" }, 0],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon" }, 0],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "" }, 0],
    // Anthropic
    [{ "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": inS(30) }, 30_000],
    [{ "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": inS(-30) }, 0],
    // The draft of the IETF, and those who give a time by the clock
    [{ "ratelimit-remaining": "0", "ratelimit-reset": "12" }, 12_000],
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Math.round(nowMs / 1_000) + 30) }, 30_000],
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(nowMs + 30_000) }, 30_000],
    // Retry-After counts before it.
    [{ "retry-after": "3", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "12" }, 3_000],
  ])("%j", (headers, ms) => {
    expect(retryAfterMs(headers)).toBe(ms);
  });

  test("OpenRouter says it in the body", () => {
    const headers = {
      "X-RateLimit-Limit": "20",
      "X-RateLimit-Remaining": "0",
      "X-RateLimit-Reset": `${nowMs + 30_000}`,
    };
    const failure = fail("openai/openrouter", 429, openai("Rate limit exceeded", 429, { metadata: { headers } }));
    expect(failure.cooldownMs).toBe(30_000);
    expect(failure.error.retryAfterMs).toBe(failure.cooldownMs);
  });
});
