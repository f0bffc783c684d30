import { asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import type { AnswerPart } from "./answer.ts";
import type { NeutralEvent } from "./events.ts";
import type { Note, UpstreamExchange } from "./formats.ts";
import { createHeldInputs } from "./held-inputs.ts";
import type { CustomTool, FunctionTool } from "./request.ts";

/**
 * A tool of free text as a function that takes it as the one argument `input`. A grammar that the text must follow is told
 * in words, and noted: the upstream does not hold the model to it.
 */
export function functionOf({ name, description, format, at }: CustomTool, note: Note): FunctionTool {
  const grammar = asObject(format?.grammar);
  const syntax = asString(grammar?.syntax) ?? "";
  const definition = asString(grammar?.definition);
  if (definition !== undefined) note(`${at}.format told in words: the upstream holds no text to a grammar`);
  const rule = definition === undefined ? undefined : `The input must follow this ${syntax} grammar:\n\n${definition}`;
  const told = [description, "The argument `input` is the whole input of this tool as plain text.", rule];
  return {
    kind: "function",
    name,
    description: told.filter((piece) => piece !== undefined && piece !== "").join("\n\n"),
    parameters: { type: "object", properties: { input: { type: "string" } }, required: ["input"] },
    at,
  };
}

/** The free text of a call as the arguments of such a function. */
export function argumentsOf(input: string): JsonObject {
  return { input };
}

/**
 * Gives a format that knows functions only the tools of free text: its writer offers such a tool as a function with the
 * one argument `input` (a string); here its calls become calls with free text again. In a stream the text of such a call
 * comes in one piece, at its end.
 */
export function withCustomTools(exchange: UpstreamExchange): UpstreamExchange {
  let custom: ReadonlySet<string> = new Set();
  return {
    ...(exchange.events === undefined ? {} : { events: exchange.events }),
    write(request, context) {
      custom = new Set(
        request.tools.filter(({ kind }) => kind === "custom").map((tool) => ("name" in tool ? tool.name : "")),
      );
      return exchange.write(request, context);
    },
    read(body) {
      const answer = exchange.read(body);
      if (custom.size === 0) return answer;
      const choices = answer.choices.map((choice) => ({
        ...choice,
        parts: choice.parts.map((part) => unwrapPart(part, custom)),
      }));
      return { ...answer, choices };
    },
    stream() {
      const stream = exchange.stream();
      if (custom.size === 0) return stream;
      const hold = createHeldInputs((name) => (custom.has(name) ? freeText : undefined));
      return {
        read: (event, emit) => stream.read(event, (step) => hold(marked(step, custom), emit)),
        isComplete() {
          return stream.isComplete();
        },
      };
    },
  };
}

function unwrapPart(part: AnswerPart, custom: ReadonlySet<string>): AnswerPart {
  if (part.type !== "tool_call" || !custom.has(part.name)) return part;
  return { ...part, custom: true, input: freeText(part.input) };
}

function marked(step: NeutralEvent, custom: ReadonlySet<string>): NeutralEvent {
  return step.type === "tool_call" && custom.has(step.name) ? { ...step, custom: true } : step;
}

function freeText(input: string): string {
  return asString(asObject(parseJson(input))?.input) ?? input;
}
