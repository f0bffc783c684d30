import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TurnRules } from "../../domain/flavour.ts";
import { turnsFit } from "../../modules/chat/openai-chat/roles.ts";
import { areOrderly, fitTurns } from "../../modules/chat/openai-chat/turns.ts";
import type { JsonObject } from "../../wire/json.ts";
import { adapters } from "../registry.ts";
import { readFlavour } from "./flavour.ts";
import { flavours } from "./flavours/index.ts";

const rules: fc.Arbitrary<TurnRules> = fc.record({
  system: fc.constantFrom("anywhere", "first", "never"),
  alternate: fc.boolean(),
  userFirst: fc.boolean(),
  userAfterTool: fc.boolean(),
});

/** A turn of a conversation; one that calls tools comes with the results, between which others may speak. */
const turn = fc.oneof(
  fc.record({ role: fc.constantFrom("system", "developer", "user", "assistant"), parts: fc.boolean() }),
  fc.record({
    calls: fc.integer({ min: 1, max: 3 }),
    between: fc.array(fc.constantFrom("system", "user"), { maxLength: 3 }),
  }),
);

/** A conversation in which every text is its own. */
const conversation = fc.array(turn, { minLength: 1, maxLength: 8 }).map((turns) => {
  const messages: JsonObject[] = [];
  const say = (role: string, parts = false) => {
    const text = `text-${messages.length}.`;
    messages.push({ role, content: parts ? [{ type: "text", text }] : text });
  };
  for (const [index, given] of turns.entries()) {
    if ("role" in given) {
      say(given.role, given.parts);
      continue;
    }
    const ids = Array.from({ length: given.calls }, (_, call) => `call-${index}-${call}.`);
    const tool_calls = ids.map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } }));
    messages.push({ role: "assistant", content: null, tool_calls });
    for (const [place, id] of ids.entries()) {
      messages.push({ role: "tool", tool_call_id: id, content: `result-${id}` });
      const role = given.between[place];
      if (role !== undefined) say(role);
    }
  }
  return messages;
});

const rolesOf = (messages: readonly JsonObject[]) => messages.map(({ role }) => String(role));
const ignore = () => undefined;
const anyText = /(?:text-\d+|call-\d+-\d+)\./g;

describe("turns", () => {
  test("come into the order of the rules, and nothing that was said is lost", () => {
    fc.assert(
      fc.property(conversation, rules, (messages, rule) => {
        const fitted = fitTurns(messages, rule, ignore);
        expect([rolesOf(fitted), areOrderly(rolesOf(fitted), rule)]).toEqual([expect.anything(), true]);
        const said = (list: readonly JsonObject[]) => JSON.stringify(list).match(anyText)?.sort();
        expect(said(fitted)).toEqual(said(messages));
        expect(fitTurns(fitted, rule, ignore)).toBe(fitted);
        expect(unanswered(fitted)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that may stand as they are are told by a search or a walk, and no others are", () => {
    fc.assert(
      fc.property(conversation, rules, fc.constantFrom(undefined, 2), (messages, rule, indent) => {
        const body = Buffer.from(JSON.stringify({ model: "m", messages, tools: [{ role: "user" }] }, null, indent));
        expect(turnsFit(body, rule)).toBe(fitTurns(messages, rule, ignore) === messages);
      }),
      { numRuns: 2_000 },
    );
  });

  /** Calls whose result does not follow at once. */
  function unanswered(messages: readonly JsonObject[]): unknown[] {
    return messages.flatMap(({ tool_calls: calls }, index) => {
      const ids = ((calls ?? []) as { id: string }[]).map(({ id }) => id);
      const next = messages.slice(index + 1, index + 1 + ids.length).map(({ tool_call_id: id }) => id);
      return ids.filter((id) => !next.includes(id));
    });
  }
});

const image = "data:image/png;base64,iVBORw0KGgo=";

/** The same conversation as clients of each dialect send it: instructions in the middle, a picture among parallel results. */
const asked = {
  "openai.chat": {
    messages: [
      { role: "system", content: "first" },
      { role: "user", content: "ask" },
      { role: "developer", content: "middle" },
      {
        role: "assistant",
        content: null,
        tool_calls: ["a", "b"].map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })),
      },
      { role: "tool", tool_call_id: "a", content: "one" },
      { role: "user", content: [{ type: "image_url", image_url: { url: image } }] },
      { role: "tool", tool_call_id: "b", content: "two" },
    ],
  },
  "anthropic.messages": {
    max_tokens: 9,
    system: "first",
    messages: [
      { role: "user", content: "ask" },
      { role: "system", content: "middle" },
      { role: "assistant", content: ["a", "b"].map((id) => ({ type: "tool_use", id, name: "f", input: {} })) },
      ...["a", "b"].map((id) => ({
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: id,
            content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } }],
          },
        ],
      })),
    ],
  },
  "openai.responses": {
    instructions: "first",
    input: [
      { role: "user", content: "ask" },
      { role: "developer", content: "middle" },
      ...["a", "b"].map((id) => ({ type: "function_call", call_id: id, name: "f", arguments: "{}" })),
      ...["a", "b"].map((id) => ({
        type: "function_call_output",
        call_id: id,
        output: [{ type: "input_image", image_url: image }],
      })),
    ],
  },
} as const;

const vendors = [...Object.keys(flavours), undefined].flatMap((vendor) =>
  Object.keys(asked).map((dialect) => ({ vendor, dialect: dialect as keyof typeof asked })),
);

test.each(vendors)("$vendor takes a conversation of an agent that speaks $dialect", ({ vendor, dialect }) => {
  const flavour = { vendor, responses: false };
  for (const upstreamModel of ["some-model", "Qwen/Qwen3-32B", "google/gemma-2-9b-it", "mistralai/Mistral-Small-3.2"]) {
    const exchange = adapters.openai?.open(JSON.stringify(flavour)).exchanges[dialect]?.({
      ...{ requestId: 1n, model: "m", upstreamModel, control: "", stream: false, includeUsage: false, headers: {} },
      ...{ createdUnixS: 0, keepResponse: false, body: Buffer.from(JSON.stringify(asked[dialect])) },
    });
    const { messages } = JSON.parse(Buffer.from(exchange?.message.body ?? []).toString()) as { messages: JsonObject[] };
    const { turns } = readFlavour(JSON.stringify(flavour)).of(upstreamModel);
    expect([upstreamModel, rolesOf(messages), areOrderly(rolesOf(messages), turns)]).toEqual([
      upstreamModel,
      expect.anything(),
      true,
    ]);
    for (const text of ["first", "ask", "middle"]) expect(JSON.stringify(messages)).toContain(text);
  }
});

describe("responses that a vendor speaks itself", () => {
  const user = { role: "user", content: "x" };
  const developer = { type: "message", role: "developer", content: "Be brief." };
  const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
  const result = { type: "function_call_output", call_id: "c", output: "y" };
  const strict = { responses: true, system_turns: "first", alternate_turns: true, user_first: true };

  test.each([
    ["a text", { input: "x", instructions: "Be brief." }, true],
    ["instructions first", { instructions: "Be brief.", input: [user] }, true],
    ["a developer's item first", { input: [developer, user] }, true],
    ["a whole loop of tools", { input: [user, { type: "reasoning", summary: [] }, call, call, result, result] }, true],
    ["a developer's item behind instructions", { instructions: "x", input: [developer, user] }, false],
    ["a developer's item among the turns", { input: [user, developer] }, false],
    ["two turns of the user", { input: [user, user] }, false],
  ])("%s", (_name, body, passes) => {
    const path = (flavour: object) =>
      adapters.openai?.open(JSON.stringify(flavour)).exchanges["openai.responses"]?.({
        ...{ requestId: 1n, model: "m", upstreamModel: "m", control: "", stream: false, includeUsage: false },
        ...{
          headers: {},
          createdUnixS: 1,
          keepResponse: false,
          body: Buffer.from(JSON.stringify({ model: "m", ...body })),
        },
      }).message.path;
    expect(path(strict)).toBe(passes ? "/responses" : "/chat/completions");
    // A vendor without rules takes them all.
    expect(path({ responses: true, system_turns: "anywhere" })).toBe("/responses");
  });
});
