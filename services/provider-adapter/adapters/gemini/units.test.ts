import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Prices } from "../../../../shared/money/prices.ts";
import { Unit } from "../../../../shared/units.ts";
import type { Asked } from "../../domain/exchange.ts";
import type { Reasoning } from "../../modules/chat/neutral/reasoning.ts";
import { usageOf } from "../../modules/chat/neutral/usage.ts";
import { adapters } from "../registry.ts";
import { citationsOf } from "./chat/citations.ts";
import { finishOf } from "./chat/finish.ts";
import { openApiSchema } from "./chat/schema.ts";
import { readUsage } from "./chat/usage.ts";
import { geminiFailure, inBandFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { generationOf } from "./models.ts";
import { writeThinking } from "./thinking.ts";

describe("thinking", () => {
  const effort = (word: "minimal" | "low" | "medium" | "high" | "xhigh" | "max"): Reasoning => ({
    mode: "on",
    effort: word,
  });
  const shown = { includeThoughts: true };
  const table: [string, Reasoning, object | undefined][] = [
    // Google's own table for its OpenAI endpoint.
    ["gemini-2.5-flash", effort("minimal"), { ...shown, thinkingBudget: 1_024 }],
    ["gemini-2.5-flash", effort("low"), { ...shown, thinkingBudget: 1_024 }],
    ["gemini-2.5-flash", effort("medium"), { ...shown, thinkingBudget: 8_192 }],
    ["gemini-2.5-pro", effort("high"), { ...shown, thinkingBudget: 24_576 }],
    ["gemini-2.5-pro", effort("max"), { ...shown, thinkingBudget: 32_768 }],
    ["gemini-3.1-pro-preview", effort("minimal"), { ...shown, thinkingLevel: "LOW" }],
    ["gemini-3.1-pro-preview", effort("medium"), { ...shown, thinkingLevel: "MEDIUM" }],
    ["gemini-3-pro-preview", effort("medium"), { ...shown, thinkingLevel: "HIGH" }],
    ["gemini-3-flash-preview", effort("minimal"), { ...shown, thinkingLevel: "MINIMAL" }],
    ["gemini-3-flash-preview", effort("xhigh"), { ...shown, thinkingLevel: "HIGH" }],
    // A budget where a level is wanted, and the other way round.
    ["gemini-3-flash-preview", { mode: "on", budgetTokens: 800 }, { ...shown, thinkingLevel: "LOW" }],
    [
      "gemini-2.5-flash",
      { mode: "on", budgetTokens: 800, show: false },
      { includeThoughts: false, thinkingBudget: 800 },
    ],
    ["gemini-2.5-pro", { mode: "on", budgetTokens: 1 }, { ...shown, thinkingBudget: 128 }],
    ["gemini-2.5-flash", { mode: "on", budgetTokens: -1 }, { ...shown, thinkingBudget: -1 }],
    ["gemini-2.5-flash-lite", { mode: "on" }, { ...shown, thinkingBudget: -1 }],
    ["gemini-3-pro-preview", { mode: "on" }, shown],
    // Not all of them can stop.
    ["gemini-2.5-flash", { mode: "off" }, { thinkingBudget: 0 }],
    ["gemini-2.5-pro", { mode: "off" }, { thinkingBudget: 128 }],
    ["gemini-3-pro-preview", { mode: "off" }, { thinkingLevel: "LOW" }],
    ["gemini-3-flash-preview", { mode: "off" }, { thinkingLevel: "MINIMAL" }],
    // Not all of them think.
    ["gemini-2.0-flash", effort("high"), undefined],
    ["gemini-2.5-flash-image", effort("high"), undefined],
    ["gemini-3-pro-image-preview", effort("high"), shown],
    ["gemini-3-pro-preview", { mode: "default" }, undefined],
  ];
  test.each(table)("%s, %o", (model, reasoning, written) => {
    const notes: string[] = [];
    const note = (text: string) => notes.push(text);
    expect(writeThinking(reasoning, generationOf(model).thinking, 0, "reasoning_effort", note)).toEqual(written);
    if (written === undefined && reasoning.mode === "on") expect(notes).toEqual([expect.stringContaining("dropped")]);
  });

  test("a budget and a level never stand together", () => {
    const models = fc.constantFrom("gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro", "gemini-3.1-flash", "other");
    const reasoning = fc.record(
      {
        mode: fc.constantFrom("on", "off", "default"),
        effort: fc.constantFrom("minimal", "low", "medium", "high", "xhigh", "max"),
        budgetTokens: fc.integer({ min: -1, max: 100_000 }),
      },
      { requiredKeys: ["mode"] },
    );
    fc.assert(
      fc.property(models, reasoning, fc.nat(100_000), (model, wish, maxTokens) => {
        const written =
          writeThinking(wish as Reasoning, generationOf(model).thinking, maxTokens, "p", () => undefined) ?? {};
        expect("thinkingBudget" in written && "thinkingLevel" in written).toBe(false);
      }),
    );
  });

  test("an effort's budget leaves room for the answer", () => {
    const { thinking } = generationOf("gemini-2.5-flash");
    expect(writeThinking(effort("high"), thinking, 1_000, "p", () => undefined)).toMatchObject({ thinkingBudget: 800 });
  });
});

describe("errors", () => {
  const body = (status: string, message: string, details: object[] = []) =>
    JSON.stringify({ error: { code: 0, message, status, details } });
  const table: [number, string, string, string, boolean][] = [
    [400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified", "invalid_value", false],
    [400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "upstream_error", true],
    [400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", "upstream_error", true],
    [400, "FAILED_PRECONDITION", "User location is not supported for the API use.", "upstream_error", true],
    [400, "FAILED_PRECONDITION", "Please enable billing on project.", "upstream_error", true],
    [
      400,
      "INVALID_ARGUMENT",
      "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
      "context_length_exceeded",
      false,
    ],
    [400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.", "request_too_large", false],
    [401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", "upstream_error", true],
    [403, "PERMISSION_DENIED", "Your project has been denied access.", "upstream_error", true],
    [404, "NOT_FOUND", "models/x is not found for API version v1beta", "upstream_error", true],
    [429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", "upstream_overloaded", true],
    [429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", "upstream_error", true],
    [500, "INTERNAL", "An internal error has occurred.", "upstream_error", true],
    [503, "UNAVAILABLE", "The model is overloaded.", "upstream_overloaded", true],
    [504, "DEADLINE_EXCEEDED", "Deadline expired.", "upstream_timeout", true],
  ];
  test.each(table)("%i %s: %s is %s", (status, name, message, code, failover) => {
    const failure = geminiFailure(status, {}, body(name, message), "");
    expect(failure).toMatchObject({ failover, error: { code } });
  });

  test("a body that is no error of the vendor is judged by its status", () => {
    expect(geminiFailure(502, {}, "<html>", "").error.code).toBe("upstream_error");
    expect(geminiFailure(429, {}, "", "").error.code).toBe("upstream_overloaded");
    expect(geminiFailure(418, {}, "[]", "").error.code).toBe("invalid_value");
  });

  test("the list form of the vendor's other endpoint, its delay and its request ID are read", () => {
    const details = [
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "12.5s" },
      { "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId: "r-1" },
    ];
    const failure = geminiFailure(429, {}, `[${body("RESOURCE_EXHAUSTED", "slow down", details)}]`, "");
    expect(failure).toMatchObject({ cooldownMs: 12_500, error: { retryAfterMs: 12_500, upstreamRequestId: "r-1" } });
  });

  test("inside an answer that began", () => {
    expect(inBandFailure({ code: 503, status: "UNAVAILABLE", message: "x" }).code).toBe("upstream_overloaded");
    expect(inBandFailure({ code: 400, status: "INVALID_ARGUMENT", message: "key AIzaSyA1234567890abc" })).toMatchObject(
      {
        code: "upstream_error",
        message: "The upstream failed: key [key]",
      },
    );
  });
});

test("usage: parts do not overlap and sum up to the vendor's total", () => {
  fc.assert(
    fc.property(
      fc.nat(9_999),
      fc.nat(9_999),
      fc.nat(9_999),
      fc.nat(9_999),
      fc.nat(9_999),
      (prompt, cached, tool, out, thoughts) => {
        const counts = readUsage({
          promptTokenCount: prompt + cached,
          cachedContentTokenCount: cached,
          toolUsePromptTokenCount: tool,
          candidatesTokenCount: out,
          thoughtsTokenCount: thoughts,
        });
        const none = { input: () => 0, delivered: () => ({ visible: 0, thinking: 0 }) };
        const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = usageOf(counts, false, none);
        expect(inputTokens + cachedInputTokens + outputTokens + reasoningTokens).toBe(
          BigInt(prompt + cached + tool + out + thoughts),
        );
        expect([cachedInputTokens, reasoningTokens]).toEqual([BigInt(cached), BigInt(thoughts)]);
      },
    ),
  );
});

test("a call ends with STOP here and with tool calls everywhere else", () => {
  expect(finishOf("STOP", true)).toBe("tool_calls");
  expect(finishOf("MAX_TOKENS", true)).toBe("length");
  expect(finishOf("SOMETHING_NEW", false)).toBe("stop");
  expect(finishOf("PROHIBITED_CONTENT", false)).toBe("content_filter");
});

describe("sources", () => {
  test("places in bytes become places in characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (before, cited) => {
        const segment = {
          startIndex: Buffer.byteLength(before),
          endIndex: Buffer.byteLength(before + cited),
          text: cited,
        };
        const [citation] = citationsOf(
          {
            groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }],
            groundingSupports: [{ segment, groundingChunkIndices: [0] }],
          },
          before + cited,
        );
        expect((before + cited).slice(citation?.start, citation?.end)).toBe(cited);
      }),
    );
  });

  test("of a text that was not kept the places are not known", () => {
    const metadata = {
      groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }],
      groundingSupports: [{ segment: { endIndex: 3, text: "abc" }, groundingChunkIndices: [0, 7] }],
    };
    expect(citationsOf(metadata, "")).toEqual([{ url: "https://a.example", title: "A", quote: "abc" }]);
  });
});

describe("schemas in OpenAPI's subset", () => {
  test("references, unions, constants and null", () => {
    expect(
      openApiSchema(
        {
          $schema: "https://json-schema.org/draft/2020-12/schema",
          type: "object",
          additionalProperties: false,
          required: ["kind"],
          properties: {
            kind: { const: "a" },
            name: { type: ["string", "null"] },
            size: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] },
            item: { $ref: "#/$defs/item" },
            both: {
              allOf: [{ type: "object", properties: { x: { type: "number" } }, required: ["x"] }, { required: ["y"] }],
            },
            either: { oneOf: [{ type: "string" }, { type: "number" }] },
          },
          $defs: { item: { type: "array", items: { type: "string", enum: ["p", "q"] } } },
        },
        "tools[0].function",
      ),
    ).toEqual({
      type: "object",
      required: ["kind"],
      properties: {
        kind: { type: "string", enum: ["a"] },
        name: { type: "string", nullable: true },
        size: { type: "integer", minimum: 1, nullable: true },
        item: { type: "array", items: { type: "string", enum: ["p", "q"] } },
        both: { type: "object", properties: { x: { type: "number" } }, required: ["x", "y"] },
        either: { anyOf: [{ type: "string" }, { type: "number" }] },
      },
    });
  });

  test("a schema that holds itself ends", () => {
    const tree = openApiSchema(
      {
        $ref: "#/$defs/node",
        $defs: {
          node: { type: "object", properties: { child: { $ref: "#/$defs/node" }, again: { $ref: "#/$defs/self" } } },
          self: { $ref: "#/$defs/self" },
        },
      },
      "tools[0].function",
    );
    expect(JSON.stringify(tree).length).toBeLessThan(100_000);
  });

  test("a small schema that unfolds to millions of fields is refused by its path", () => {
    const names = Array.from({ length: 10 }, (_, index) => [`f${index}`, { $ref: "#/$defs/node" }]);
    const schema = {
      $ref: "#/$defs/node",
      $defs: { node: { type: "object", properties: Object.fromEntries(names) } },
    };
    expect(() => openApiSchema(schema, "tools[0].function")).toThrow(
      expect.objectContaining({ code: "invalid_value", param: "tools[0].function" }),
    );
  });

  test("a wide schema without references is taken as it is", () => {
    const properties = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, {}]));
    expect(openApiSchema({ properties }, "tools[0].function")).toEqual({ type: "object", properties });
  });
});

test("a flavour with an unknown field names it", () => {
  expect(() => readFlavour('{"auth":"x"}')).toThrow(/auth/);
  expect(readFlavour("").authHeader).toBe("x-goog-api-key");
});

describe("the tier of service", () => {
  const sent = (service_tier: string, flavour: object, prices?: Prices) => {
    const asked: Asked = {
      requestId: 1n,
      model: "m",
      upstreamModel: "gemini-2.5-flash",
      control: "",
      stream: false,
      includeUsage: false,
      body: Buffer.from(JSON.stringify({ service_tier, messages: [{ role: "user", content: "x" }] })),
      headers: {},
      createdUnixS: 0,
      keepResponse: false,
      prices,
    };
    const { message, notes } = adapters.gemini?.open(JSON.stringify(flavour)).exchanges["openai.chat"]?.(asked) ?? {};
    return { tier: JSON.parse(Buffer.from(message?.body ?? "").toString()).serviceTier, notes };
  };

  test("that costs more than the model's price is asked for where the channel allows it", () => {
    expect(sent("priority", {})).toEqual({
      tier: undefined,
      notes: [expect.stringContaining("service_tier priority")],
    });
    expect(sent("priority", { premium: true }).tier).toBe("priority");
    expect(sent("flex", {}).tier).toBe("flex");
    const when = { aboveInputTokens: 0n, traits: { service_tier: "priority" } };
    const priced = { rates: [{ unit: Unit.INPUT_TOKENS, nanoUsd: 9n, when }] } as unknown as Prices;
    expect(sent("priority", {}, priced).tier).toBe("priority");
  });
});
