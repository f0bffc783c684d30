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
