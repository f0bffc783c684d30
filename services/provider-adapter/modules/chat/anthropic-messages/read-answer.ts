import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Citation, NeutralAnswer, RefusalReason } from "../neutral/answer.ts";
import { isReadable } from "../readable.ts";
import { messagesFormat } from "./format-name.ts";
import { finishOf } from "./stop-reasons.ts";
import { readUsage } from "./usage.ts";

/** The failure of an error object inside a 200 or a stream. */
export type StreamError = (error: JsonObject) => ThroughlineError;

/** A message as JSON. An error object in its place is thrown. */
export function messageObject(body: Buffer, streamError: StreamError): JsonObject {
  const message = asObject(parseExact(body.toString()));
  if (message === undefined) {
    throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  }
  const error = asObject(message.error);
  if (message.type === "error" || (error !== undefined && message.content === undefined))
    throw streamError(error ?? {});
  // An empty list is an answer: a model may have nothing to add.
  const { content } = message;
  if (!Array.isArray(content) || (content.length > 0 && !isReadable(content, ["type"]))) {
    throw streamError({ message: "its answer has no content" });
  }
  return message;
}

/** Reads a whole message. */
export function readMessage(body: Buffer, streamError: StreamError): NeutralAnswer {
  const message = messageObject(body, streamError);
  const usage = asObject(message.usage);
  let textLength = 0;
  const parts = asArray(message.content).flatMap((raw) => {
    const block = asObject(raw) ?? {};
    const start = textLength;
    if (block.type === "text") textLength += asString(block.text)?.length ?? 0;
    return readBlock(block, start);
  });
  return {
    choices: [
      {
        parts,
        finish: finishOf(message.stop_reason),
        stopSequence: asString(message.stop_sequence),
        refused: readRefusal(message.stop_details),
      },
    ],
    usage: usage === undefined ? undefined : readUsage(usage),
    model: asString(message.model) ?? "",
  };
}

/** What `stop_details` says of a refusal; undefined: nothing. */
export function readRefusal(details: unknown): RefusalReason | undefined {
  const given = asObject(details);
  const category = asString(given?.category) || undefined;
  const explanation = asString(given?.explanation) || undefined;
  return category === undefined && explanation === undefined ? undefined : { category, explanation };
}

/** What a block means. Blocks of server tools are the upstream's own work: what they found shows as citations. */
function readBlock(block: JsonObject, start: number): AnswerPart[] {
  switch (block.type) {
    case "text": {
      const text = { type: "text" as const, text: asString(block.text) ?? "" };
      const citations = asArray(block.citations).flatMap((raw) => readCitation(asObject(raw) ?? {}));
      const end = start + text.text.length;
      return [text, ...citations.map((one) => ({ type: "citation" as const, citation: { ...one, start, end } }))];
    }
    case "thinking": {
      const value = asString(block.signature);
      const signature = value ? { origin: messagesFormat, value } : undefined;
      return [{ type: "thinking", text: asString(block.thinking) ?? "", signature }];
    }
    case "redacted_thinking":
      return [{ type: "redacted_thinking", signature: { origin: messagesFormat, value: asString(block.data) ?? "" } }];
    case "tool_use":
      return [
        {
          type: "tool_call",
          id: asString(block.id) ?? "",
          name: asString(block.name) ?? "",
          input: JSON.stringify(block.input ?? {}),
          custom: false,
        },
      ];
    default:
      return [];
  }
}

/** A source; empty for one that has no address (a place in a document of the request). */
export function readCitation(citation: JsonObject): Citation[] {
  const url = asString(citation.url) ?? asString(citation.source);
  if (url === undefined) return [];
  return [{ url, title: asString(citation.title) ?? "", quote: asString(citation.cited_text) }];
}
