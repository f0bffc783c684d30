import { transformJSONSchema } from "@anthropic-ai/sdk/lib/transform-json-schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { strictSchema } from "../../adapters/anthropic/chat/strict-schema.ts";
import { isStrictSchema } from "../../adapters/openai/chat/strict-schema.ts";
import { adapters } from "../../adapters/registry.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import type { JsonObject } from "../../wire/json.ts";
import { plainRoot } from "./neutral/plain-root.ts";

function exchange(adapter: string, flavour: object, dialect: string, body: object): Exchange {
  const asked: Asked = {
    ...{
      requestId: 7n,
      model: "m",
      upstreamModel: "claude-sonnet-4-5",
      control: "",
      stream: false,
      includeUsage: false,
    },
    ...{ body: Buffer.from(JSON.stringify({ model: "m", ...body })), headers: {}, createdUnixS: 1, keepResponse: true },
  };
  const made = adapters[adapter]?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

const bodyOf = ({ message }: Exchange) => JSON.parse(Buffer.from(message.body).toString());

/** Schemas as clients write them: every kind of value, with bounds that vendors refuse. */
const schema = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthIdentifier: "schema" },
    fc.record(
      {
        type: fc.constant("integer"),
        minimum: fc.nat(9),
        maximum: fc.nat(9),
        default: fc.nat(3),
        description: fc.constant("D"),
      },
      { requiredKeys: ["type"] },
    ),
    fc.record(
      {
        type: fc.constant("string"),
        ...{ minLength: fc.nat(3), pattern: fc.constant("^a"), title: fc.constant("T") },
        format: fc.constantFrom("uri", "date-time", "binary"),
      },
      { requiredKeys: ["type"] },
    ),
    fc.record({ enum: fc.constant(["a", 1, null]) }),
    fc.record({ const: fc.constant("fixed") }),
    fc.record(
      {
        type: fc.constant("array"),
        items: tie("schema"),
        minItems: fc.nat(2),
        maxItems: fc.nat(5),
        uniqueItems: fc.boolean(),
      },
      { requiredKeys: ["type", "items"] },
    ),
    fc.record(
      {
        ...{
          type: fc.constant("object"),
          properties: fc.dictionary(fc.constantFrom("a", "b"), tie("schema"), { maxKeys: 2 }),
        },
        ...{ required: fc.constant(["a"]), additionalProperties: fc.constant(false), minProperties: fc.nat(2) },
      },
      { requiredKeys: ["type", "properties", "additionalProperties"] },
    ),
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
    fc.record({ oneOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
    fc.record({ allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
  ),
})).schema;

describe("structured output of Anthropic", () => {
  test("is given schemas as the vendor's own SDK writes them", () => {
    fc.assert(
      fc.property(schema, (given) => {
        const root = { type: "object", properties: { x: given }, required: ["x"], additionalProperties: false };
        expect(strictSchema(root).schema).toEqual(transformJSONSchema(structuredClone(root)));
      }),
      { numRuns: 500 },
    );
  });

  const review = {
    type: "object",
    properties: { score: { type: "integer", minimum: 1, maximum: 10, description: "How good" } },
    required: ["score"],
  };

  test.each([
    [
      "openai.chat",
      {
        messages: [{ role: "user", content: "x" }],
        response_format: { type: "json_schema", json_schema: { name: "r", schema: review, strict: true } },
      },
    ],
    [
      "openai.responses",
      { input: "x", text: { format: { type: "json_schema", name: "r", schema: review, strict: true } } },
    ],
  ])("%s: bounds go into the description, and that is noted", (dialect, body) => {
    const asked = exchange("anthropic", {}, dialect, body);
    const { score } = bodyOf(asked).output_config.format.schema.properties;
    expect(score).toEqual({ type: "integer", description: "How good\n\n{minimum: 1, maximum: 10}" });
    expect(asked.notes).toContainEqual(expect.stringContaining("moved into descriptions"));
  });

  test("strict tools are held to such a schema; the words of others stay", () => {
    const tool = (strict: boolean) => ({
      type: "function",
      function: { name: `f${strict}`, parameters: review, strict },
    });
    const body = { messages: [{ role: "user", content: "x" }], tools: [tool(true), tool(false)] };
    const [strict, loose] = bodyOf(exchange("anthropic", {}, "openai.chat", body)).tools;
    expect(strict.input_schema.properties.score).not.toHaveProperty("minimum");
    expect(strict.input_schema.additionalProperties).toBe(false);
    expect(loose.input_schema.properties.score.minimum).toBe(1);
  });
});

const refused = ["anyOf", "oneOf", "allOf", "not", "enum", "const", "$ref"];

describe("the root of a tool's schema", () => {
  test("is a plain object, and loses no property", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("anyOf", "oneOf", "allOf"),
        fc.array(fc.dictionary(fc.constantFrom("a", "b", "c"), schema, { minKeys: 1, maxKeys: 2 }), {
          minLength: 1,
          maxLength: 3,
        }),
        (word, variants) => {
          const given = {
            ...{ type: "object", properties: { own: { type: "string" } }, required: ["own"] },
            [word]: variants.map((properties) => ({ properties, required: Object.keys(properties) })),
          };
          const plain = plainRoot(given);
          expect(plain.type).toBe("object");
          for (const name of refused) expect(plain).not.toHaveProperty([name]);
          const names = new Set(["own", ...variants.flatMap((properties) => Object.keys(properties))]);
          expect(new Set(Object.keys(plain.properties as object))).toEqual(names);
          const everywhere = [...names].filter(
            (name) =>
              name === "own" || variants[word === "allOf" ? "some" : "every"]((one) => Object.hasOwn(one, name)),
          );
          expect(new Set(plain.required as string[])).toEqual(new Set(everywhere));
        },
      ),
    );
  });

  test("a plain one stays the same; a reference is put in, also one that leads to itself", () => {
    const given = { type: "object", properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] } } };
    expect(plainRoot(given)).toBe(given);
    const $defs = { Args: { type: "object", properties: { q: { type: "string" } }, required: ["q"] } };
    expect(plainRoot({ $ref: "#/$defs/Args", $defs })).toMatchObject({
      type: "object",
      properties: { q: {} },
      required: ["q"],
    });
    expect(plainRoot({ $ref: "#" })).toMatchObject({ type: "object", properties: {} });
    // A definition that is named often is not written out each time.
    const large = { description: "a".repeat(10_000), properties: { q: {} } };
    const often = { anyOf: Array.from({ length: 5_000 }, () => ({ $ref: "#/$defs/Large" })), $defs: { Large: large } };
    expect(JSON.stringify(plainRoot(often)).length).toBeLessThan(2_000_000);
  });

  const either = {
    anyOf: [
      { properties: { a: { type: "string" } }, required: ["a"] },
      { properties: { b: { type: "string" } }, required: ["b"] },
    ],
  };
  test.each([
    ["anthropic", {}, (body: { tools: { input_schema: JsonObject }[] }) => body.tools[0]?.input_schema],
    [
      "openai",
      { vendor: "openai" },
      (body: { tools: { function: { parameters: JsonObject } }[] }) => body.tools[0]?.function.parameters,
    ],
    [
      "gemini",
      {},
      (body: { tools: { functionDeclarations: JsonObject[] }[] }) =>
        body.tools[0]?.functionDeclarations[0]?.parametersJsonSchema,
    ],
  ])("%s is sent a plain one, and that is noted", (adapter, flavour, schemaIn) => {
    const dialect = adapter === "anthropic" ? "openai.chat" : "anthropic.messages";
    const tools =
      dialect === "openai.chat"
        ? [{ type: "function", function: { name: "f", parameters: either } }]
        : [{ name: "f", input_schema: either }];
    const asked = exchange(adapter, flavour, dialect, {
      max_tokens: 9,
      messages: [{ role: "user", content: "x" }],
      tools,
    });
    const sent = (schemaIn as (body: unknown) => JsonObject)(bodyOf(asked));
    expect(Object.keys(sent.properties as object)).toEqual(["a", "b"]);
    expect(sent).not.toHaveProperty("anyOf");
    expect(sent.description).toContain("required");
    expect(asked.notes).toContainEqual(expect.stringContaining("plain object"));
  });
});

test.each([
  [true, { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false }],
  [false, { type: "object", properties: { a: { type: "string" } }, required: [], additionalProperties: false }],
  [false, { type: "object", properties: { a: { type: "string" } }, required: ["a"] }],
  [
    false,
    {
      type: "object",
      properties: { a: { type: "string", minLength: 1 } },
      required: ["a"],
      additionalProperties: false,
    },
  ],
])("what another vendor calls strict is so for OpenAI only where it can be: %s %j", (isStrict, given) => {
  expect(isStrictSchema(given)).toBe(isStrict);
  const body = {
    max_tokens: 9,
    messages: [{ role: "user", content: "x" }],
    output_config: { format: { type: "json_schema", schema: given } },
  };
  const asked = exchange("openai", { vendor: "openai" }, "anthropic.messages", body);
  expect(bodyOf(asked).response_format.json_schema.strict).toBe(isStrict);
  expect(asked.notes.some((note) => note.includes("strict left out"))).toBe(!isStrict);
});

describe("names of parameters", () => {
  const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };
  const long = `settings__${"approved__".repeat(7)}list`;
  const parameters = {
    type: "object",
    properties: {
      $filter: { type: "string" },
      "@odata.type": { type: "string" },
      [long]: { type: "integer" },
      top: {},
    },
    required: ["$filter", "top"],
  };
  const call = (given: object) => ({
    id: "a",
    type: "function",
    function: { name: "f", arguments: JSON.stringify(given) },
  });
  const given = { $filter: "x", [long]: 767212140985061, top: { $filter: "nested" } };
  const body = {
    tools: [{ type: "function", function: { name: "f", parameters } }],
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls: [call(given)] },
      { role: "tool", tool_call_id: "a", content: "y" },
    ],
  };

  test("that Anthropic refuses are others on the way, in the schema and in calls, and the client's in answers", () => {
    const asked = exchange("anthropic", {}, "openai.chat", body);
    const sent = bodyOf(asked);
    const { properties, required } = sent.tools[0].input_schema;
    for (const name of Object.keys(properties)) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    expect(required).toEqual([Object.keys(properties)[0], "top"]);
    const input = sent.messages[1].content[0].input as JsonObject;
    for (const name of Object.keys(input)) expect(properties).toHaveProperty([name]);
    expect(input.top).toEqual({ $filter: "nested" });
    expect(asked.notes).toContainEqual(expect.stringContaining("names of parameters changed"));

    const answer = {
      type: "message",
      stop_reason: "tool_use",
      content: [{ type: "tool_use", id: "b", name: "f", input }],
    };
    const heard = JSON.parse(Buffer.from(asked.whole(Buffer.from(JSON.stringify(answer)), moments).body).toString());
    expect(JSON.parse(heard.choices[0].message.tool_calls[0].function.arguments)).toEqual(given);

    const stream = exchange("anthropic", {}, "openai.chat", { ...body, stream: true }).stream();
    const whole = JSON.stringify(input);
    const block = (index: number, name: string) => ({
      type: "content_block_start",
      index,
      content_block: { type: "tool_use", id: `c${index}`, name, input: {} },
    });
    const piece = (index: number, text: string) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json: text },
    });
    const events = [
      { type: "message_start", message: { content: [] } },
      // Their pieces interleave.
      ...[block(0, "f"), block(1, "f"), piece(0, whole.slice(0, 9)), piece(1, whole.slice(0, 20))],
      ...[piece(0, whole.slice(9)), piece(1, whole.slice(20))],
      { type: "message_delta", delta: { stop_reason: "tool_use" } },
      { type: "message_stop" },
    ];
    let text = "";
    for (const event of events) text += stream.event({ event: event.type, data: JSON.stringify(event) });
    const inputs = ["", ""];
    for (const line of text.split("\n").filter((one) => one.startsWith("data: {"))) {
      for (const one of JSON.parse(line.slice(6)).choices[0]?.delta.tool_calls ?? []) {
        inputs[one.index] += one.function.arguments;
      }
    }
    expect(inputs.map((one) => JSON.parse(one))).toEqual([given, given]);
  });

  test("others stay, and are streamed as they come", () => {
    const plain = {
      ...body,
      tools: [{ type: "function", function: { name: "f", parameters: { type: "object", properties: { a: {} } } } }],
    };
    expect(exchange("anthropic", {}, "openai.chat", plain).notes).toEqual([]);
  });
});

test("a description that is longer than OpenAI takes goes on in that of the parameters; nothing of it is lost", () => {
  const description = "words ".repeat(500);
  const tools = [{ name: "f", description, input_schema: { type: "object", properties: {} } }];
  const asked = exchange("openai", { vendor: "openai" }, "anthropic.messages", {
    max_tokens: 9,
    messages: [{ role: "user", content: "x" }],
    tools,
  });
  const { function: sent } = bodyOf(asked).tools[0];
  expect(sent.description.length).toBeLessThanOrEqual(1_024);
  const [start = ""] = sent.description.split("... (goes on");
  expect(start + sent.parameters.description.slice("... ".length)).toBe(description);
  expect(asked.notes).toContainEqual(expect.stringContaining("tools[0].description goes on"));
});
