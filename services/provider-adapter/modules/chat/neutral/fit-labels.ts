import { randomUUID } from "node:crypto";
import type { LabelFit } from "../../../domain/label-rule.ts";
import type { AnswerPart } from "./answer.ts";
import type { NeutralEvent } from "./events.ts";
import type { Note, UpstreamExchange } from "./formats.ts";
import type { Message, NeutralRequest, Part, Tool, ToolChoice } from "./request.ts";

/** How a vendor's names of tools and IDs of calls are made of the client's. */
export interface LabelFits {
  readonly names: LabelFit;
  readonly callIds: LabelFit;
}

/**
 * Makes the names of tools and the IDs of calls fit a vendor: in the tools, in the choice among them, and in the calls and
 * results of earlier turns. Its calls come back under the client's names.
 */
export function withFitLabels(exchange: UpstreamExchange, fits: LabelFits): UpstreamExchange {
  const names = createFitNames(fits.names);
  return {
    ...(exchange.events === undefined ? {} : { events: exchange.events }),
    write(request, context) {
      const fitting = fitRequest(request, names, fits.callIds);
      names.tell(context.note);
      return exchange.write(fitting, context);
    },
    read(body) {
      const answer = exchange.read(body);
      const labelled = createLabeller(names);
      const choices = answer.choices.map((choice) => ({ ...choice, parts: choice.parts.map(labelled) }));
      return { ...answer, choices };
    },
    stream() {
      const stream = exchange.stream();
      const labelled = createLabeller(names);
      return {
        read: (event, emit) => stream.read(event, (step) => emit(labelled(step))),
        isComplete() {
          return stream.isComplete();
        },
      };
    },
  };
}

/** The names of one request's tools as a vendor takes them, and back. */
export interface FitNames {
  fitted(name: string): string;
  /** The client's name of a tool that the vendor calls so. */
  clientsName(name: string): string;
  areChanged(): boolean;
  /** Notes the change, once there is one. */
  tell(note: Note): void;
}

/** Begins to fit names. */
export function createFitNames(fit: LabelFit): FitNames {
  const back = new Map<string, string>();
  return {
    fitted(name) {
      const fitting = fit.fitted(name);
      if (fitting !== name) back.set(fitting, name);
      return fitting;
    },
    clientsName: (name) => back.get(name) ?? name,
    areChanged: () => back.size > 0,
    tell(note) {
      if (back.size > 0) note("names of tools changed on the way and back: this vendor takes others");
    },
  };
}

/** Gives each call of an answer the client's name of its tool, and an ID that no other call of the answer has. */
function createLabeller(names: FitNames): <T extends AnswerPart | NeutralEvent>(part: T) => T {
  const used = new Set<string>();
  return (part) => {
    if (part.type !== "tool_call") return part;
    const id = part.id === "" || used.has(part.id) ? newCallId() : part.id;
    used.add(id);
    return { ...part, id, name: names.clientsName(part.name) };
  };
}

/** An ID for a call whose vendor gave none of its own. */
export function newCallId(): string {
  return `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

function fitRequest(request: NeutralRequest, names: FitNames, callIds: LabelFit): NeutralRequest {
  const { tools, toolChoice, messages } = request;
  const fitTool = (tool: Tool): Tool => (tool.kind === "native" ? tool : { ...tool, name: names.fitted(tool.name) });
  return {
    ...request,
    tools: tools.map(fitTool),
    toolChoice: fitChoice(toolChoice, tools, names),
    messages: messages.map((message) => fitMessage(message, names, callIds)),
  };
}

/** A choice of a vendor's own tool is a word of the vendor's. */
function fitChoice(choice: ToolChoice | undefined, tools: readonly Tool[], names: FitNames): ToolChoice | undefined {
  if (choice?.kind !== "named") return choice;
  const isOurs = tools.some((tool) => tool.kind !== "native" && tool.name === choice.name);
  return isOurs ? { ...choice, name: names.fitted(choice.name) } : choice;
}

function fitMessage(message: Message, names: FitNames, callIds: LabelFit): Message {
  if (!message.parts.some(({ type }) => type === "tool_call" || type === "tool_result")) return message;
  return { ...message, parts: message.parts.map((part) => fitPart(part, names, callIds)) };
}

function fitPart(part: Part, names: FitNames, callIds: LabelFit): Part {
  if (part.type === "tool_call") return { ...part, id: callIds.fitted(part.id), name: names.fitted(part.name) };
  if (part.type !== "tool_result") return part;
  return { ...part, callId: callIds.fitted(part.callId), name: names.fitted(part.name) };
}
