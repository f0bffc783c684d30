import type { LabelFit } from "../../../domain/label-rule.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import type { AnswerPart } from "./answer.ts";
import type { Note, UpstreamExchange } from "./formats.ts";
import { createHeldInputs } from "./held-inputs.ts";
import type { FunctionTool, Message, NeutralRequest, Part } from "./request.ts";

/** Names of a tool's parameters as a vendor takes them: the vendor's by the client's, and back. */
interface Renaming {
  readonly there: ReadonlyMap<string, string>;
  readonly back: ReadonlyMap<string, string>;
}

/**
 * Makes the names of tools' parameters fit a vendor that bounds them (`$filter` of OData, names of APIs that are longer than
 * 64 characters): one that does not has the whole request refused. Arguments of calls come back under the client's names; in
 * a stream those of such a tool come in one piece.
 */
export function withFitProperties(exchange: UpstreamExchange, fit: LabelFit): UpstreamExchange {
  let renamings: ReadonlyMap<string, Renaming> = new Map();
  const rewriteOf = (name: string) => {
    const renaming = renamings.get(name);
    return renaming === undefined ? undefined : (input: string) => renamed(input, renaming.back);
  };
  const restored = (part: AnswerPart): AnswerPart => {
    const rewrite = part.type === "tool_call" ? rewriteOf(part.name) : undefined;
    return part.type === "tool_call" && rewrite !== undefined ? { ...part, input: rewrite(part.input) } : part;
  };
  return {
    ...(exchange.events === undefined ? {} : { events: exchange.events }),
    write(request, context) {
      renamings = renamingsOf(request, fit, context.note);
      return exchange.write(renamings.size === 0 ? request : fitRequest(request, renamings), context);
    },
    read(body) {
      const answer = exchange.read(body);
      if (renamings.size === 0) return answer;
      return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, parts: choice.parts.map(restored) })) };
    },
    stream() {
      const stream = exchange.stream();
      if (renamings.size === 0) return stream;
      const hold = createHeldInputs(rewriteOf);
      return {
        read: (event, emit) => stream.read(event, (step) => hold(step, emit)),
        isComplete() {
          return stream.isComplete();
        },
      };
    },
  };
}

function renamingsOf({ tools }: NeutralRequest, fit: LabelFit, note: Note): ReadonlyMap<string, Renaming> {
  const renamings = new Map<string, Renaming>();
  for (const tool of tools) {
    if (tool.kind !== "function") continue;
    const unfit = Object.keys(asObject(tool.parameters?.properties) ?? {}).filter((name) => !fit.fits(name));
    if (unfit.length === 0) continue;
    const there = new Map(unfit.map((name) => [name, fit.fitted(name)]));
    renamings.set(tool.name, { there, back: new Map([...there].map(([name, fitted]) => [fitted, name])) });
    note(`${tool.at}: names of parameters changed on the way and back: this vendor takes others`);
  }
  return renamings;
}

function fitRequest(request: NeutralRequest, renamings: ReadonlyMap<string, Renaming>): NeutralRequest {
  const tools = request.tools.map((tool) => {
    const renaming = tool.kind === "function" ? renamings.get(tool.name) : undefined;
    return tool.kind === "function" && renaming !== undefined ? fitTool(tool, renaming) : tool;
  });
  return { ...request, tools, messages: request.messages.map((message) => fitMessage(message, renamings)) };
}

function fitTool(tool: FunctionTool, { there }: Renaming): FunctionTool {
  const { properties, required, ...schema } = tool.parameters ?? {};
  const names = asArray(required).map((name) => (typeof name === "string" ? (there.get(name) ?? name) : name));
  return {
    ...tool,
    parameters: {
      ...schema,
      properties: withNames(asObject(properties) ?? {}, there),
      ...(required === undefined ? {} : { required: names }),
    },
  };
}

function fitMessage(message: Message, renamings: ReadonlyMap<string, Renaming>): Message {
  const fitPart = (part: Part): Part => {
    const renaming = part.type === "tool_call" && !part.custom ? renamings.get(part.name) : undefined;
    return part.type === "tool_call" && renaming !== undefined
      ? { ...part, input: renamed(part.input, renaming.there) }
      : part;
  };
  return message.role === "assistant" ? { ...message, parts: message.parts.map(fitPart) } : message;
}

/** The JSON text of an object with other names; a text that is none stays. */
function renamed(input: string, names: ReadonlyMap<string, string>): string {
  const value = asObject(parseExact(input));
  return value === undefined ? input : JSON.stringify(withNames(value, names));
}

function withNames(object: JsonObject, names: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]));
}
