import type { JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Citation } from "../neutral/answer.ts";
import type { Signature } from "../neutral/signature.ts";
import { type EncryptedKind, encryptedContent } from "./encrypted-content.ts";
import { type ItemType, itemIdOf } from "./format-name.ts";
import type { Namespaces, ToolPlace } from "./namespaces.ts";

/** A source of a text. */
export function writeAnnotation({ url, title, start, end }: Citation): JsonObject {
  return { type: "url_citation", start_index: start ?? 0, end_index: end ?? 0, url, title };
}

/** A piece of a message. */
export function textContent(
  text: string,
  annotations: readonly JsonObject[],
  logprobs: readonly unknown[],
): JsonObject {
  return { type: "output_text", text, annotations, logprobs };
}

/** A message. */
export function messageItem(id: string, status: string, content: readonly JsonObject[]): JsonObject {
  return { id, type: "message", status, role: "assistant", content };
}

/** Thinking; an empty text has no summary. */
export function reasoningItem(
  id: string,
  text: string,
  kind: EncryptedKind,
  signature: Signature | undefined,
): JsonObject {
  return {
    id,
    type: "reasoning",
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    ...(signature === undefined ? {} : { encrypted_content: encryptedContent(kind, signature) }),
  };
}

/** A call of a tool. Arguments are the text of an object, even where there are none. */
export function callItem(
  id: string,
  status: string,
  { callId, place, input, custom }: { callId: string; place: ToolPlace; input: string; custom: boolean },
): JsonObject {
  return custom
    ? { id, type: "custom_tool_call", status, call_id: callId, ...place, input }
    : { id, type: "function_call", status, call_id: callId, ...place, arguments: input };
}

/** An image. */
export function imageItem(id: string, status: string, mediaType: string, data: string | null): JsonObject {
  return { id, type: "image_generation_call", status, output_format: mediaType.replace(/^image\//, ""), result: data };
}

/** The output items of a whole answer. `status` is that of the text that it ends with: the others are complete. */
export function writeItems(
  responseId: string,
  parts: readonly AnswerPart[],
  status: string,
  { logprobs, placeOf }: { readonly logprobs: readonly unknown[]; readonly placeOf: Namespaces["placeOf"] },
): JsonObject[] {
  const items: JsonObject[] = [];
  /** The message that grows. */
  let content: JsonObject[] | undefined;
  /** Sources of the newest text of that message; absent: it has no text. */
  let annotations: JsonObject[] | undefined;
  let left = logprobs;
  const idOf = (type: ItemType) => itemIdOf(responseId, type, items.length);
  const add = (item: JsonObject) => {
    content = undefined;
    annotations = undefined;
    items.push(item);
  };
  const say = (piece: JsonObject) => {
    if (content === undefined) {
      content = [];
      items.push(messageItem(idOf("message"), "completed", content));
    }
    content.push(piece);
  };
  for (const part of parts) {
    switch (part.type) {
      case "text":
        if (part.text === "") break;
        annotations = [];
        say(textContent(part.text, annotations, left));
        left = [];
        break;
      case "refusal":
        say({ type: "refusal", refusal: part.text });
        break;
      case "citation":
        annotations?.push(writeAnnotation(part.citation));
        break;
      case "thinking":
        if (part.text === "" && part.signature === undefined) break;
        add(reasoningItem(idOf("reasoning"), part.text, "thinking", part.signature));
        break;
      case "redacted_thinking":
        add(reasoningItem(idOf("reasoning"), "", "redacted", part.signature));
        break;
      case "tool_call": {
        const { id: callId, name, custom, signature } = part;
        if (signature !== undefined) add(reasoningItem(idOf("reasoning"), "", "call", signature));
        const input = part.input === "" && !custom ? "{}" : part.input;
        const type = custom ? "custom_tool_call" : "function_call";
        add(callItem(idOf(type), "completed", { callId, place: placeOf(name), custom, input }));
        break;
      }
      case "image":
        add(imageItem(idOf("image_generation_call"), "completed", part.mediaType, part.data));
        break;
    }
  }
  const last = items.at(-1);
  if (content !== undefined && last !== undefined) last.status = status;
  return items;
}
