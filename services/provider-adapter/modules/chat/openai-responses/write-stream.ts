import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import { createJsonEnd } from "../../../wire/json-end.ts";
import type { Citation, Finish, RefusalReason } from "../neutral/answer.ts";
import type { NeutralEvent } from "../neutral/events.ts";
import type { ClientStream, StreamHead } from "../neutral/formats.ts";
import type { Signature } from "../neutral/signature.ts";
import { itemIdOf } from "./format-name.ts";
import type { Keeping } from "./keeping.ts";
import type { Namespaces, ToolPlace } from "./namespaces.ts";
import { callItem, imageItem, messageItem, reasoningItem, textContent, writeAnnotation } from "./write-items.ts";
import { responseFrame, statusOf } from "./write-response.ts";

interface OpenMessage {
  readonly kind: "message";
  readonly id: string;
  readonly index: number;
  /** Contents that are complete. */
  readonly content: JsonObject[];
  type: "output_text" | "refusal";
  pieces: string[];
  annotations: JsonObject[];
  logprobs: unknown[];
}

interface OpenReasoning {
  readonly kind: "reasoning";
  readonly id: string;
  readonly index: number;
  readonly pieces: string[];
}

interface OpenCall {
  readonly id: string;
  readonly index: number;
  readonly callId: string;
  readonly place: ToolPlace;
  readonly custom: boolean;
  readonly pieces: string[];
  readonly isWhole: () => boolean;
}

/**
 * A stream of response events, numbered from 0: the response, each item as it opens, grows and closes, the response again.
 * Texts and thinking stand one after the other; calls whose pieces interleave are open together.
 */
export function writeResponseStream(
  body: JsonObject,
  { usageSoFar: _none, ...about }: StreamHead & Partial<Keeping>,
  placeOf: Namespaces["placeOf"] = (name) => ({ name }),
): ClientStream {
  const head = { ...about, model: "" };
  const output: JsonObject[] = [];
  const calls = new Map<number, OpenCall>();
  /** Calls whose input grew since the last call began: only they can have become whole. */
  let grown = new Map<number, OpenCall>();
  let sequence = 0;
  let nextIndex = 0;
  let open: OpenMessage | OpenReasoning | undefined;
  let finish: Finish | undefined;
  let refused: RefusalReason | undefined;
  /** The model said that it declines. */
  let declined = false;

  /** `rest` is the JSON text of the event's own fields: most events are deltas, of which only the text is encoded. */
  function event(type: string, rest: string): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++},${rest}}\n\n`;
  }

  function added(index: number, item: JsonObject): string {
    return event("response.output_item.added", `"output_index":${index},"item":${JSON.stringify(item)}`);
  }

  function done(index: number, item: JsonObject): string {
    output[index] = item;
    return event("response.output_item.done", `"output_index":${index},"item":${JSON.stringify(item)}`);
  }

  function place({ id, index }: { id: string; index: number }, name: "content_index" | "summary_index", at: number) {
    return `"item_id":"${id}","output_index":${index},"${name}":${at}`;
  }

  // ---- messages

  function beginContent(message: OpenMessage, type: OpenMessage["type"]): string {
    Object.assign(message, { type, pieces: [], annotations: [], logprobs: [] });
    const part = type === "refusal" ? { type, refusal: "" } : textContent("", [], []);
    const at = place(message, "content_index", message.content.length);
    return event("response.content_part.added", `${at},"part":${JSON.stringify(part)}`);
  }

  function endContent(message: OpenMessage): string {
    const { type, pieces, annotations, logprobs } = message;
    const text = pieces.join("");
    const at = place(message, "content_index", message.content.length);
    const refused = type === "refusal";
    const part = refused ? { type, refusal: text } : textContent(text, annotations, logprobs);
    message.content.push(part);
    const said = JSON.stringify(text);
    return (
      (refused
        ? event("response.refusal.done", `${at},"refusal":${said}`)
        : event("response.output_text.done", `${at},"text":${said},"logprobs":${JSON.stringify(logprobs)}`)) +
      event("response.content_part.done", `${at},"part":${JSON.stringify(part)}`)
    );
  }

  /** The message that takes a piece of this type, with the events that open it. */
  function message(type: OpenMessage["type"]): { message: OpenMessage; text: string } {
    if (open?.kind === "message") {
      if (open.type === type) return { message: open, text: "" };
      return { message: open, text: endContent(open) + beginContent(open, type) };
    }
    const closed = closeAll();
    const index = nextIndex++;
    const id = itemIdOf(head.id, "message", index);
    const begun: OpenMessage = {
      kind: "message",
      id,
      index,
      content: [],
      type,
      pieces: [],
      annotations: [],
      logprobs: [],
    };
    open = begun;
    return {
      message: begun,
      text: closed + added(index, messageItem(id, "in_progress", [])) + beginContent(begun, type),
    };
  }

  function say(type: OpenMessage["type"], piece: string, logprobs: readonly unknown[] = []): string {
    if (piece === "") return "";
    const { message: target, text } = message(type);
    target.pieces.push(piece);
    target.logprobs.push(...logprobs);
    const at = place(target, "content_index", target.content.length);
    const delta = `${at},"delta":${JSON.stringify(piece)}`;
    return (
      text +
      (type === "refusal"
        ? event("response.refusal.delta", delta)
        : event("response.output_text.delta", `${delta},"logprobs":${JSON.stringify(logprobs)}`))
    );
  }

  function cite(citation: Citation): string {
    const { message: target, text } = message("output_text");
    const annotation = writeAnnotation(citation);
    const at = place(target, "content_index", target.content.length);
    const number = target.annotations.push(annotation) - 1;
    const rest = `${at},"annotation_index":${number},"annotation":${JSON.stringify(annotation)}`;
    return text + event("response.output_text.annotation.added", rest);
  }

  // ---- reasoning

  function think(piece: string): string {
    if (piece === "") return "";
    let text = "";
    if (open?.kind !== "reasoning") {
      text = closeAll();
      const index = nextIndex++;
      const begun: OpenReasoning = { kind: "reasoning", id: itemIdOf(head.id, "reasoning", index), index, pieces: [] };
      open = begun;
      text += added(index, reasoningItem(begun.id, "", "thinking", undefined));
      const part = `"part":{"type":"summary_text","text":""}`;
      text += event("response.reasoning_summary_part.added", `${place(begun, "summary_index", 0)},${part}`);
    }
    open.pieces.push(piece);
    const at = place(open, "summary_index", 0);
    return text + event("response.reasoning_summary_text.delta", `${at},"delta":${JSON.stringify(piece)}`);
  }

  function endReasoning(reasoning: OpenReasoning, signature: Signature | undefined): string {
    const text = reasoning.pieces.join("");
    const at = place(reasoning, "summary_index", 0);
    const said = JSON.stringify(text);
    return (
      event("response.reasoning_summary_text.done", `${at},"text":${said}`) +
      event("response.reasoning_summary_part.done", `${at},"part":{"type":"summary_text","text":${said}}`) +
      done(reasoning.index, reasoningItem(reasoning.id, text, "thinking", signature))
    );
  }

  /** An item that holds nothing but what is encrypted. */
  function sealed(kind: "thinking" | "redacted" | "call", signature: Signature): string {
    const index = nextIndex++;
    const item = reasoningItem(itemIdOf(head.id, "reasoning", index), "", kind, signature);
    return added(index, item) + done(index, item);
  }

  function sign(signature: Signature): string {
    if (open?.kind !== "reasoning") return closeAll() + sealed("thinking", signature);
    const text = endReasoning(open, signature);
    open = undefined;
    return text;
  }

  // ---- calls

  function call({ call: number, id: callId, name, custom, signature }: Extract<NeutralEvent, { type: "tool_call" }>) {
    let text = closeOpen();
    // Calls whose input is whole are over; pieces of the others may still come.
    for (const [other, waiting] of grown) {
      if (calls.get(other) === waiting && !waiting.custom && waiting.isWhole()) text += endCall(other, waiting);
    }
    grown = new Map();
    if (signature !== undefined) text += sealed("call", signature);
    const index = nextIndex++;
    const id = itemIdOf(head.id, custom ? "custom_tool_call" : "function_call", index);
    const pieces: string[] = [];
    const place = placeOf(name);
    const begun: OpenCall = { id, index, callId, place, custom, pieces, isWhole: createJsonEnd(pieces) };
    calls.set(number, begun);
    return text + added(index, callItem(id, "in_progress", { callId, place, custom, input: "" }));
  }

  function callDelta({ id, index, custom }: OpenCall, piece: string): string {
    const type = custom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta";
    return event(type, `"item_id":"${id}","output_index":${index},"delta":${JSON.stringify(piece)}`);
  }

  function endCall(number: number, ending: OpenCall): string {
    calls.delete(number);
    let text = "";
    if (ending.pieces.length === 0 && !ending.custom) {
      ending.pieces.push("{}");
      text = callDelta(ending, "{}");
    }
    const { id, index, callId, place, custom, pieces } = ending;
    const input = pieces.join("");
    const at = `"item_id":"${id}","output_index":${index}`;
    const said = JSON.stringify(input);
    text += custom
      ? event("response.custom_tool_call_input.done", `${at},"input":${said}`)
      : event(
          "response.function_call_arguments.done",
          `${at},"name":${JSON.stringify(place.name)},"arguments":${said}`,
        );
    return text + done(index, callItem(id, "completed", { callId, place, custom, input }));
  }

  // ---- the rest

  function image({ mediaType, data }: Extract<NeutralEvent, { type: "image" }>): string {
    const index = nextIndex++;
    const id = itemIdOf(head.id, "image_generation_call", index);
    return (
      added(index, imageItem(id, "in_progress", mediaType, null)) +
      event("response.image_generation_call.completed", `"output_index":${index},"item_id":"${id}"`) +
      done(index, imageItem(id, "completed", mediaType, data))
    );
  }

  function closeOpen(): string {
    const ending = open;
    open = undefined;
    if (ending === undefined) return "";
    if (ending.kind === "reasoning") return endReasoning(ending, undefined);
    return endContent(ending) + done(ending.index, messageItem(ending.id, statusOf(finish), ending.content));
  }

  function closeAll(): string {
    let text = closeOpen();
    for (const [number, ending] of calls) text += endCall(number, ending);
    return text;
  }

  return {
    write(step) {
      switch (step.type) {
        case "start": {
          head.model = step.model;
          const response = `"response":${JSON.stringify(responseFrame(body, head, "in_progress", []))}`;
          return event("response.created", response) + event("response.in_progress", response);
        }
        case "text":
          return say("output_text", step.text, asArray(asObject(step.logprobs)?.content));
        case "refusal":
          declined = true;
          return say("refusal", step.text);
        case "citation":
          return cite(step.citation);
        case "thinking":
          return think(step.text);
        case "signature":
          return sign(step.signature);
        case "redacted_thinking":
          return closeAll() + sealed("redacted", step.signature);
        case "tool_call":
          return call(step);
        case "tool_input": {
          const target = calls.get(step.call);
          if (target === undefined || step.text === "") return "";
          target.pieces.push(step.text);
          grown.set(step.call, target);
          return callDelta(target, step.text);
        }
        case "image":
          return closeAll() + image(step);
        case "logprobs":
          if (open?.kind === "message") {
            for (const one of asArray(asObject(step.value)?.content)) open.logprobs.push(one);
          }
          return "";
        case "finish": {
          finish = step.reason;
          refused = step.refused;
          const why = declined ? "" : say("refusal", refused?.explanation ?? "");
          return why + closeAll();
        }
        case "usage":
          return "";
      }
    },
    end({ usage }) {
      const closed = closeAll();
      const status = statusOf(finish);
      const response = responseFrame(body, head, status, output, { usage, finish, refused });
      return closed + event(`response.${status}`, `"response":${JSON.stringify(response)}`);
    },
  };
}
