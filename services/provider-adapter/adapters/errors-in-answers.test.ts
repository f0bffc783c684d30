import { describe, expect, test } from "vitest";
import type { ThroughlineError } from "../../../shared/errors/error.ts";
import { thrownVerdict } from "../resilience/verdict.ts";
import { adapters } from "./registry.ts";

/*
 * Errors inside of an answer that began with status 200: what no candidate could do better is the client's to hear, asks no other
 * channel and counts against none; all else is a failure of the upstream.
 */

const upstreams = {
  chat: { adapter: "openai", flavour: '{"vendor":"openrouter"}', model: "m" },
  responses: { adapter: "openai", flavour: '{"chat":false,"responses":true}', model: "gpt-5.4" },
  anthropic: { adapter: "anthropic", flavour: "", model: "claude-sonnet-4-5" },
  gemini: { adapter: "gemini", flavour: "", model: "gemini-3-pro" },
} as const;

function thrown(name: keyof typeof upstreams, events: readonly object[]): ThroughlineError {
  const { adapter, flavour, model } = upstreams[name];
  const stream = adapters[adapter]?.open(flavour).exchanges["openai.chat"]?.({
    ...{ requestId: 1n, model, upstreamModel: model, control: "", includeUsage: false, headers: {} },
    ...{ createdUnixS: 0, keepResponse: false, stream: true },
    body: Buffer.from(JSON.stringify({ model, messages: [{ role: "user", content: "x" }], stream: true })),
  });
  const translation = stream?.stream();
  try {
    for (const event of events) translation?.event({ data: JSON.stringify(event) });
  } catch (error) {
    return error as ThroughlineError;
  }
  throw new Error("it threw nothing");
}

const failed = (code: string, message: string) => [
  { type: "response.created", response: { model: "m" } },
  { type: "response.failed", response: { model: "m", status: "failed", error: { code, message } } },
];
const raw = JSON.stringify({ error: { message: "prompt is too long: 5 tokens > 3 maximum" } });

describe("an error inside of an answer", () => {
  test.each<[keyof typeof upstreams, readonly object[], code: string, kind: "neutral" | "fault"]>([
    ["responses", failed("context_length_exceeded", "too long"), "context_length_exceeded", "neutral"],
    ["responses", failed("invalid_prompt", "flagged"), "invalid_value", "neutral"],
    ["responses", failed("server_error", "it broke"), "upstream_error", "fault"],
    ["responses", failed("server_is_overloaded", "busy"), "upstream_overloaded", "fault"],
    ["responses", failed("insufficient_quota", "empty"), "upstream_error", "fault"],
    ["chat", [{ error: { code: "context_length_exceeded", message: "long" } }], "context_length_exceeded", "neutral"],
    [
      "chat",
      [{ error: { code: 400, message: "Provider returned error", metadata: { raw } } }],
      ...(["context_length_exceeded", "neutral"] as const),
    ],
    ["chat", [{ error: { code: "content_filter", message: "filtered" } }], "invalid_value", "neutral"],
    ["chat", [{ error: { code: 413, message: "large" } }], "request_too_large", "neutral"],
    // The vendor had taken the request: whether it is the client's mistake nobody knows.
    ["chat", [{ error: { code: 400, message: "bad input" } }], "upstream_error", "fault"],
    ["chat", [{ error: { code: 429, message: "slow" } }], "upstream_overloaded", "fault"],
    [
      "anthropic",
      [
        {
          type: "error",
          error: { type: "invalid_request_error", message: "prompt is too long: 9 tokens > 8 maximum" },
        },
      ],
      ...(["context_length_exceeded", "neutral"] as const),
    ],
    [
      "anthropic",
      [
        {
          type: "error",
          error: { type: "invalid_request_error", message: "Output blocked by content filtering policy" },
        },
      ],
      ...(["invalid_value", "neutral"] as const),
    ],
    [
      "anthropic",
      [{ type: "error", error: { type: "overloaded_error", message: "x" } }],
      "upstream_overloaded",
      "fault",
    ],
    ["anthropic", [{ type: "error", error: { type: "api_error", message: "x" } }], "upstream_error", "fault"],
    [
      "gemini",
      [{ error: { code: 400, status: "INVALID_ARGUMENT", message: "The input token count (9) exceeds the maximum" } }],
      ...(["context_length_exceeded", "neutral"] as const),
    ],
    ["gemini", [{ error: { code: 503, status: "UNAVAILABLE", message: "x" } }], "upstream_overloaded", "fault"],
  ])("of %s: %j is %s, %s", (name, events, code, kind) => {
    const error = thrown(name, events);
    expect([error.code, thrownVerdict(error).kind]).toEqual([code, kind]);
  });
});
