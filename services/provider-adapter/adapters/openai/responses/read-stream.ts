import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Emit } from "../../../modules/chat/neutral/events.ts";
import type { UpstreamStream } from "../../../modules/chat/neutral/formats.ts";
import { countsIn } from "../../../modules/chat/openai-responses/read-usage.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createMessageText, type PartPlace } from "./message-text.ts";
import { citationOf, finishOf, signatureOf, thinkingIn } from "./read-answer.ts";

interface OpenCall {
  readonly call: number;
  /** Its input has begun to come. */
  begun: boolean;
}

/** Reads a stream of response events. */
export function readResponseStream(sent: Uint8Array, flavour: OpenaiFlavour): UpstreamStream {
  /** Calls by the place of their item. */
  const calls = new Map<number, OpenCall>();
  const message = createMessageText();
  /** Items whose thinking came in pieces, and items that are over. */
  const thought = new Set<number>();
  const closed = new Set<number>();
  let started = false;
  let complete = false;

  function start(response: JsonObject | undefined, emit: Emit): void {
    if (started) return;
    started = true;
    emit({ type: "start", model: asString(response?.model) ?? "" });
  }

  function openItem(index: number, item: JsonObject, emit: Emit): void {
    if (item.type !== "function_call" && item.type !== "custom_tool_call") return;
    const call = calls.size;
    calls.set(index, { call, begun: false });
    const id = asString(item.call_id) ?? "";
    emit({
      type: "tool_call",
      choice: 0,
      call,
      id,
      name: asString(item.name) ?? "",
      custom: item.type !== "function_call",
    });
  }

  function input(index: number, text: string, emit: Emit): void {
    const open = calls.get(index);
    if (open === undefined || text === "") return;
    open.begun = true;
    emit({ type: "tool_input", choice: 0, call: open.call, text });
  }

  function say(place: PartPlace, said: string, emit: Emit, more: { logprobs?: unknown } = {}): void {
    const text = message.textOf(place, said);
    if (text !== "") emit({ type: "text", choice: 0, text, ...more });
  }

  /** What a part of a message says where none of it came in pieces. */
  function sayPart(place: PartPlace, part: JsonObject, emit: Emit): void {
    if (part.type === "refusal") emit({ type: "refusal", choice: 0, text: asString(part.refusal) ?? "" });
    else say(place, asString(part.text) ?? "", emit);
    for (const annotation of asArray(part.annotations)) cite(place, annotation, emit);
  }

  function cite(place: PartPlace, annotation: unknown, emit: Emit): void {
    for (const citation of citationOf(annotation)) {
      emit({ type: "citation", choice: 0, citation: message.placed(place, citation) });
    }
  }

  /** An item is over: what its deltas did not say is said now. */
  function closeItem(index: number, item: JsonObject, emit: Emit): void {
    if (closed.has(index)) return;
    closed.add(index);
    if (item.type === "message") {
      const parts = message.has(index) ? [] : asArray(item.content);
      for (const [part, said] of parts.entries()) sayPart({ item: index, part }, asObject(said) ?? {}, emit);
    } else if (item.type === "reasoning") {
      const text = thought.has(index) ? "" : thinkingIn(item);
      if (text !== "") emit({ type: "thinking", choice: 0, text });
      const signature = signatureOf(item);
      if (signature !== undefined) emit({ type: "signature", choice: 0, signature });
    } else if (item.type === "image_generation_call") {
      const data = asString(item.result);
      const mediaType = `image/${asString(item.output_format) ?? "png"}`;
      if (data) emit({ type: "image", choice: 0, mediaType, data });
    } else if (item.type === "function_call" || item.type === "custom_tool_call") {
      if (!calls.has(index)) openItem(index, item, emit);
      if (calls.get(index)?.begun === false) input(index, asString(item.arguments) ?? asString(item.input) ?? "", emit);
    }
  }

  function count(response: JsonObject, emit: Emit): void {
    const usage = countsIn(response, sent);
    if (usage !== undefined) emit({ type: "usage", usage });
  }

  function end(response: JsonObject, emit: Emit): void {
    count(response, emit);
    if (complete) return;
    complete = true;
    // A server that streams no items says them here alone.
    for (const [index, item] of asArray(response.output).entries()) closeItem(index, asObject(item) ?? {}, emit);
    emit({ type: "finish", choice: 0, reason: finishOf(response, calls.size > 0) });
  }

  return {
    read({ event: name, data }, emit) {
      if (data === "" || data.startsWith("[DONE]")) return;
      const event = asObject(parseJson(data));
      if (event === undefined) throw flavour.streamError({ message: "it sent an event that is not valid JSON" });
      const type = asString(event.type) ?? name ?? "";
      if (type === "error") throw flavour.streamError(asObject(event.error) ?? event);
      const response = asObject(event.response);
      if (type === "response.failed") {
        if (started) count(response ?? {}, emit);
        throw flavour.streamError(asObject(response?.error) ?? {});
      }
      start(response, emit);
      const text = asString(event.delta) ?? "";
      const index = typeof event.output_index === "number" ? event.output_index : 0;
      const place = { item: index, part: typeof event.content_index === "number" ? event.content_index : 0 };
      switch (type) {
        case "response.output_text.delta": {
          const content = asArray(event.logprobs);
          const logprobs = content.length === 0 ? {} : { logprobs: { content, refusal: null } };
          say(place, text, emit, logprobs);
          return;
        }
        case "response.refusal.delta":
          message.begin(index);
          if (text !== "") emit({ type: "refusal", choice: 0, text });
          return;
        case "response.reasoning_summary_part.added":
          // A second part is a paragraph of its own.
          if (typeof event.summary_index === "number" && event.summary_index > 0) {
            emit({ type: "thinking", choice: 0, text: "\n\n" });
          }
          return;
        case "response.reasoning_summary_text.delta":
        case "response.reasoning_text.delta":
          thought.add(index);
          if (text !== "") emit({ type: "thinking", choice: 0, text });
          return;
        case "response.output_item.added":
          openItem(index, asObject(event.item) ?? {}, emit);
          return;
        case "response.function_call_arguments.delta":
        case "response.custom_tool_call_input.delta":
          input(index, text, emit);
          return;
        case "response.output_text.annotation.added":
          cite(place, event.annotation, emit);
          return;
        case "response.output_item.done":
          closeItem(index, asObject(event.item) ?? {}, emit);
          return;
        case "response.completed":
        case "response.incomplete":
          end(response ?? {}, emit);
      }
    },
    isComplete() {
      return complete;
    },
  };
}
