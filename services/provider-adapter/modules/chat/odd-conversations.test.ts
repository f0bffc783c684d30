import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import { parseExact } from "../../wire/exact-json.ts";
import { asArray, asObject, type JsonObject } from "../../wire/json.ts";

/*
 * Conversations as they come to be: a model wrote arguments that are no JSON object, or said nothing but a line break, and the
 * client sends that turn back. With every vendor they go on.
 */

/** What a vendor's format calls its turns, a text and the input of a call. */
interface Format {
  readonly adapter: string;
  readonly model: string;
  readonly flavour?: string;
  turns(body: JsonObject): readonly JsonObject[];
  texts(turn: JsonObject): readonly string[];
  input(part: JsonObject): unknown;
}

const partsOf = (turn: JsonObject, field: string) =>
  asArray(typeof turn[field] === "string" ? [{ text: turn[field] }] : turn[field]).map((part) => asObject(part) ?? {});
const textsIn = (field: string) => (turn: JsonObject) =>
  partsOf(turn, field).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
const listIn = (body: JsonObject, field: string) => asArray(body[field]).map((turn) => asObject(turn) ?? {});

const formats: readonly Format[] = [
  {
    ...{ adapter: "anthropic", model: "claude-opus-4-8" },
    turns: (body) => listIn(body, "messages"),
    texts: textsIn("content"),
    input: ({ input }) => input,
  },
  {
    ...{ adapter: "bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0" },
    flavour: '{"region":"eu-west-1"}',
    turns: (body) => listIn(body, "messages"),
    texts: textsIn("content"),
    input: ({ toolUse }) => asObject(toolUse)?.input,
  },
  {
    ...{ adapter: "gemini", model: "gemini-3-pro" },
    turns: (body) => listIn(body, "contents"),
    texts: textsIn("parts"),
    input: ({ functionCall }) => asObject(functionCall)?.args,
  },
];

function written(adapter: string, model: string, messages: readonly object[], flavour = ""): JsonObject {
  const make = adapters[adapter]?.open(flavour).exchanges["openai.chat"];
  const exchange = make?.({
    ...{ requestId: 1n, model, upstreamModel: model, control: "", includeUsage: false, headers: {} },
    ...{ createdUnixS: 0, keepResponse: false, stream: false },
    body: Buffer.from(JSON.stringify({ messages })),
  });
  return asObject(parseExact(Buffer.from(exchange?.message.body ?? "").toString())) ?? {};
}

const broken = fc.oneof(
  fc.constantFrom("", " ", '{"a":', "[1]", "null", '{"a":1}{"b":2}', '{"a":1}\n', "plain words"),
  fc.json(),
  fc.string(),
);

describe.each(formats)("$adapter", ({ adapter, model, flavour, turns, texts, input }) => {
  test("whatever a model wrote as arguments goes back: as the object that it is, else as a text in one", () => {
    fc.assert(
      fc.property(broken, (text) => {
        const call = { id: "call_1", type: "function", function: { name: "f", arguments: text } };
        const body = written(
          adapter,
          model,
          [
            { role: "user", content: "x" },
            { role: "assistant", content: null, tool_calls: [call] },
            { role: "tool", tool_call_id: "call_1", content: "Error: these are no valid arguments." },
          ],
          flavour,
        );
        const inputs = turns(body)
          .flatMap((turn) => [...partsOf(turn, "content"), ...partsOf(turn, "parts")])
          .map(input)
          .filter((found) => found !== undefined);
        const own = asObject(parseExact(text.trim() === "" ? "{}" : text));
        expect(JSON.stringify(inputs)).toBe(JSON.stringify([own ?? { input: text }]));
      }),
      { numRuns: 200 },
    );
  });

  const blank = fc.constantFrom("", " ", "\n\n", "\t");
  const role = fc.constantFrom("user", "assistant", "system");
  test("turns that say nothing are left out, and a conversation of nothing else still has a turn", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ role, content: fc.oneof(blank, fc.constant("word")) }), { minLength: 1 }),
        (all) => {
          const body = written(adapter, model, all, flavour);
          const [first, ...rest] = turns(body);
          expect(first?.role).toBe("user");
          for (const turn of [first ?? {}, ...rest]) {
            expect(texts(turn).length).toBeGreaterThan(0);
            // Google takes a blank text, and no empty one.
            for (const text of texts(turn)) expect(adapter === "gemini" ? text : text.trim()).not.toBe("");
          }
        },
      ),
    );
  });
});

test("a response is asked for with at least one item", () => {
  const flavour = JSON.stringify({ vendor: "openai", responses: true, chat: false });
  expect(written("openai", "m", [{ role: "user", content: [] }], flavour).input).toHaveLength(1);
});
