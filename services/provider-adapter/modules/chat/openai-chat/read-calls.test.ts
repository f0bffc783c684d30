import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFlavour } from "../../../adapters/openai/flavour.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { createCallLabels } from "./label-calls.ts";
import { createCallReader, readWholeCalls } from "./read-calls.ts";

interface Heard {
  id: string;
  name: string;
  input: string;
}

/** The calls that pieces come to. */
function heardOf(pieces: readonly JsonObject[]): Heard[] {
  let made = 0;
  const reader = createCallReader(() => `made-${made++}`);
  const calls: Heard[] = [];
  for (const piece of pieces) {
    const step = reader.read(piece);
    if (step === undefined) continue;
    if (step.begins) calls[step.number] = { id: step.id, name: step.name, input: "" };
    const call = calls[step.number];
    if (call !== undefined) call.input += step.text;
  }
  expect(reader.isNameless()).toBe(false);
  expect(calls).toHaveLength(reader.count());
  return calls;
}

/** What a client that joins pieces by their index hears of a stream that is passed on. */
function joinedOf(pieces: readonly JsonObject[]): Heard[] {
  const labels = createCallLabels(readFlavour("").of("m"), (name) => name);
  const calls: Heard[] = [];
  for (const piece of pieces) {
    const chunk = { id: "x", choices: [{ index: 0, delta: { tool_calls: [piece] }, finish_reason: null }] };
    const data = JSON.stringify(chunk);
    const choice = chunk.choices[0] ?? {};
    const { delta } = (labels.areRight(data) ? choice : labels.label(choice)) as { delta: { tool_calls?: unknown[] } };
    for (const raw of delta.tool_calls ?? []) {
      const {
        index,
        id,
        function: given,
      } = raw as {
        index: number;
        id?: string;
        function: { name?: string; arguments?: string };
      };
      calls[index] ??= { id: "", name: "", input: "" };
      const call = calls[index];
      // A client takes each field that is given, an empty one, too.
      if (id !== undefined) call.id = id;
      if (given.name !== undefined) call.name = given.name;
      call.input += given.arguments ?? "";
    }
  }
  return calls;
}

const piece = (labels: JsonObject, name: string | undefined, text: string): JsonObject => ({
  ...labels,
  function: { ...(name === undefined ? {} : { name }), arguments: text },
});

const table: readonly { says: string; pieces: readonly JsonObject[]; calls: readonly (readonly [string, string])[] }[] =
  [
    {
      says: "no index, the ID on each piece",
      pieces: [
        piece({ id: "a" }, "f", ""),
        piece({ id: "a" }, undefined, '{"x"'),
        piece({ id: "a" }, undefined, ":1}"),
      ],
      calls: [["f", '{"x":1}']],
    },
    {
      says: "no index, the ID on the first piece alone",
      pieces: [piece({ id: "a" }, "f", ""), piece({}, undefined, '{"x"'), piece({}, undefined, ":1}")],
      calls: [["f", '{"x":1}']],
    },
    {
      says: "the name behind the arguments",
      pieces: [piece({ id: "a" }, undefined, '{"x"'), piece({ id: "a" }, "f", ":1}")],
      calls: [["f", '{"x":1}']],
    },
    {
      says: "the name and the ID behind the arguments, by index",
      pieces: [
        piece({ index: 0 }, undefined, "{"),
        piece({ index: 1 }, "g", "{}"),
        piece({ index: 0, id: "a" }, "f", "}"),
      ],
      calls: [
        ["g", "{}"],
        ["f", "{}"],
      ],
    },
    {
      says: "whole calls, all of them with the index 0",
      pieces: [piece({ index: 0, id: "a" }, "f", '{"x":1}'), piece({ index: 0, id: "b" }, "f", '{"x":2}')],
      calls: [
        ["f", '{"x":1}'],
        ["f", '{"x":2}'],
      ],
    },
    {
      says: "whole calls of the same tool without any ID",
      pieces: [piece({ index: 0 }, "f", '{"x":1}'), piece({ index: 0 }, "f", '{"x":1}')],
      calls: [
        ["f", '{"x":1}'],
        ["f", '{"x":1}'],
      ],
    },
    {
      says: "empty IDs and names on later pieces",
      pieces: [
        piece({ index: 0, id: "a" }, "f", ""),
        piece({ index: 0, id: "" }, "", "{"),
        piece({ index: 0, id: "" }, "", "}"),
      ],
      calls: [["f", "{}"]],
    },
    {
      says: "another ID on each piece",
      pieces: [piece({ index: 0, id: "a" }, "f", ""), piece({ index: 0, id: "b" }, undefined, "{}")],
      calls: [["f", "{}"]],
    },
    {
      says: "the same ID on two calls",
      pieces: [piece({ index: 0, id: "a" }, "f", "{}"), piece({ index: 1, id: "a" }, "g", "{}")],
      calls: [
        ["f", "{}"],
        ["g", "{}"],
      ],
    },
    {
      says: "a call that is told again whole",
      pieces: [
        piece({ index: 0, id: "a" }, "f", '{"x":'),
        piece({ index: 0, id: "a" }, "f", "1}"),
        piece({ index: 0, id: "a" }, "f", '{"x":1}'),
      ],
      calls: [["f", '{"x":1}']],
    },
    {
      says: "an index from 1, and an empty call behind",
      pieces: [piece({ index: 1, id: "a" }, "f", "{}"), piece({ index: 2 }, undefined, "")],
      calls: [["f", "{}"]],
    },
    {
      says: "arguments as an object",
      pieces: [{ index: 0, id: "a", function: { name: "f", arguments: { x: 1 } } }],
      calls: [["f", '{"x":1}']],
    },
  ];

describe("labels of calls", () => {
  test.each(table)("$says", ({ pieces, calls }) => {
    for (const heard of [heardOf(pieces), joinedOf(pieces)]) {
      expect(heard.map(({ name, input }) => [name, input])).toEqual(calls);
      expect(new Set(heard.map(({ id }) => id)).size).toBe(calls.length);
      for (const { id } of heard) expect(id).not.toBe("");
    }
  });

  /** How a vendor labels pieces: `index`, and on which pieces the ID and the name stand. */
  const habit = fc
    .record({
      index: fc.constantFrom("own", "none", "zero"),
      id: fc.constantFrom("every", "first", "empty later", "none", "changing"),
      name: fc.constantFrom("first", "every", "last"),
      turns: fc.boolean(),
    })
    .filter(({ index, id, name, turns }) => {
      const tellsApart = index === "own" || id === "every";
      if (turns && (!tellsApart || (index === "zero" && name === "last"))) return false;
      if (id === "changing") return index === "own" && name === "first";
      // Nobody can read a piece that says nothing at all of its call.
      return name !== "last" || tellsApart;
    });
  const json = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  const calls = fc.array(
    fc.record({ name: fc.constantFrom("f", "g"), input: json.map((value) => JSON.stringify(value)), cut: fc.nat(3) }),
    { minLength: 1, maxLength: 4 },
  );

  test("any habit that tells the calls apart is read, and what is passed on reads the same by the index", () => {
    fc.assert(
      fc.property(habit, calls, fc.infiniteStream(fc.nat(3)), ({ index, id, name, turns }, given, picks) => {
        const queues = given.map(({ name: own, input, cut }, number) => {
          const texts = cut === 0 ? [input] : [input.slice(0, cut), input.slice(cut)];
          return texts.map((text, at) => {
            const isFirst = at === 0;
            const isLast = at === texts.length - 1;
            const named = name === "every" || (name === "first" ? isFirst : isLast);
            const ids = {
              every: { id: `call-${number}` },
              first: isFirst ? { id: `call-${number}` } : {},
              "empty later": { id: isFirst ? `call-${number}` : "" },
              none: {},
              changing: { id: `call-${number}-${at}` },
            };
            const indexes = { own: { index: number }, none: {}, zero: { index: 0 } };
            return piece({ ...indexes[index], ...ids[id] }, named ? own : id === "empty later" ? "" : undefined, text);
          });
        });
        const pieces: JsonObject[] = [];
        while (queues.some((queue) => queue.length > 0)) {
          const left = queues.filter((queue) => queue.length > 0);
          const queue = left[turns ? (picks.next().value ?? 0) % left.length : 0];
          const next = queue?.shift();
          if (next !== undefined) pieces.push(next);
        }
        const wanted = given.map((call) => `${call.name} ${call.input}`).sort();
        for (const heard of [heardOf(pieces), joinedOf(pieces)]) {
          expect(heard.map((call) => `${call.name} ${call.input}`).sort()).toEqual(wanted);
          expect(new Set(heard.map((call) => call.id)).size).toBe(given.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("of a whole answer each entry is a call, whatever its labels", () => {
    const entries = [
      { function: { name: "f", arguments: "" } },
      { id: "a", index: 0, function: { name: "f", arguments: "{}" } },
      { id: "a", index: 0, function: { name: "f", arguments: "{}" } },
    ];
    const heard = readWholeCalls(entries, () => "made") ?? [];
    expect(heard.map(({ name, text }) => [name, text])).toEqual([
      ["f", ""],
      ["f", "{}"],
      ["f", "{}"],
    ]);
    expect(heard.map(({ id }) => id)).toEqual(["made", "a", "made"]);
    expect(readWholeCalls([{ function: { arguments: "{}" } }], () => "made")).toBeUndefined();
  });
});

describe("what is passed on as it is", () => {
  const usual = (index: number, text: string) =>
    JSON.stringify({
      id: "x",
      choices: [{ index: 0, delta: { tool_calls: [{ index, function: { arguments: text } }] }, finish_reason: null }],
    });

  test("the pieces of a call behind its first are not parsed", () => {
    const labels = createCallLabels(readFlavour("").of("m"), (name) => name);
    const first = { index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } };
    labels.label({ index: 0, delta: { tool_calls: [first] }, finish_reason: null });
    expect(labels.areRight(usual(0, '{"id":"b","name":"c"}'))).toBe(true);
    expect(labels.areRight(usual(0, '"index"').replaceAll(":", ": ").replaceAll(",", ", "))).toBe(true);
    // Something must change where a call is not known, or has another number here.
    expect(labels.areRight(usual(1, "{"))).toBe(false);
    expect(labels.areRight('{"id":"x","choices":[{"index":0,"delta":{"content":"hi"}}]}')).toBe(true);
  });

  test("a call with arguments that never gets a name is the upstream's failure", () => {
    const labels = createCallLabels(readFlavour("").of("m"), (name) => name);
    const nameless = { index: 0, id: "a", function: { arguments: "{}" } };
    labels.label({ index: 0, delta: { tool_calls: [nameless] }, finish_reason: null });
    expect(() => labels.label({ index: 0, delta: {}, finish_reason: "tool_calls" })).toThrow(
      expect.objectContaining({ code: "upstream_error" }),
    );
  });
});
