import type { JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Choice, Citation, Finish, NeutralAnswer, RefusalReason } from "../neutral/answer.ts";
import type { AnswerEnd, AnswerHead } from "../neutral/formats.ts";
import { writeCompletion } from "./completion.ts";
import { writeReasoningDetails } from "./reasoning-details.ts";

const finishReasons: Readonly<Record<Finish, string>> = {
  stop: "stop",
  stop_sequence: "stop",
  pause: "stop",
  length: "length",
  context_window: "length",
  tool_calls: "tool_calls",
  content_filter: "content_filter",
  refusal: "content_filter",
};

/** The chat dialect's word for a finish; empty: unknown. */
export function chatFinishReason(finish: Finish | undefined, legacy: boolean): string {
  if (finish === undefined) return "";
  return legacy && finish === "tool_calls" ? "function_call" : finishReasons[finish];
}

/** A chat completion. `legacy`: the client speaks functions, not tools. */
export function writeChatAnswer(answer: NeutralAnswer, head: AnswerHead, end: AnswerEnd, legacy: boolean): JsonObject {
  const upstream: JsonObject = {
    model: head.model,
    choices: answer.choices.map((choice, index) => ({
      index,
      message: writeMessage(choice, legacy),
      logprobs: choice.logprobs ?? null,
      finish_reason: chatFinishReason(choice.finish, legacy),
      ...writeFilter(choice.refused),
    })),
  };
  return writeCompletion(
    upstream,
    { id: head.id, created: head.createdUnixS, model: head.model },
    end.usage,
    end.latency,
  );
}

/** The kind of a refusal, in the one form that clients of the dialect know: Azure's. */
export function writeFilter(refused: RefusalReason | undefined): JsonObject {
  const category = refused?.category;
  return category === undefined ? {} : { content_filter_results: { [category]: { filtered: true } } };
}

function writeMessage({ parts, refused }: Choice, legacy: boolean): JsonObject {
  const calls = parts.filter((part) => part.type === "tool_call");
  const thinking = textOf(parts, "thinking");
  const details = writeReasoningDetails(parts);
  const refusal = textOf(parts, "refusal") ?? refused?.explanation;
  const images = parts.filter((part) => part.type === "image").map(writeImage);
  const [first] = calls;
  return {
    role: "assistant",
    content: textOf(parts, "text") ?? (refusal === undefined ? "" : null),
    refusal: refusal ?? null,
    annotations: parts.filter((part) => part.type === "citation").map(({ citation }) => writeAnnotation(citation)),
    ...(thinking === undefined ? {} : { reasoning_content: thinking }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(images.length === 0 ? {} : { images }),
    ...(first === undefined
      ? {}
      : legacy
        ? { function_call: { name: first.name, arguments: first.input } }
        : { tool_calls: calls.map(writeCall) }),
  };
}

function textOf(parts: readonly AnswerPart[], type: "text" | "thinking" | "refusal"): string | undefined {
  let text: string | undefined;
  for (const part of parts) if (part.type === type) text = (text ?? "") + part.text;
  return text;
}

function writeCall({ id, name, input, custom }: Extract<AnswerPart, { type: "tool_call" }>): JsonObject {
  return custom
    ? { id, type: "custom", custom: { name, input } }
    : { id, type: "function", function: { name, arguments: input } };
}

/** An image in an answer: the chat dialect has no place of its own for it; this is OpenRouter's. */
export function writeImage({ mediaType, data }: { mediaType: string; data: string }): JsonObject {
  return { type: "image_url", image_url: { url: `data:${mediaType};base64,${data}` } };
}

/** A source of a text. */
export function writeAnnotation({ url, title, start, end }: Citation): JsonObject {
  return { type: "url_citation", url_citation: { start_index: start ?? 0, end_index: end ?? 0, title, url } };
}
