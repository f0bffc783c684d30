import type { JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Citation, Finish, NeutralAnswer, RefusalReason } from "../neutral/answer.ts";
import { inputOfCall } from "../neutral/call-input.ts";
import type { AnswerEnd, AnswerHead } from "../neutral/formats.ts";
import { signatureText } from "../neutral/signature.ts";
import { messagesFormat } from "./format-name.ts";
import { stopReasonOf, withRefusal } from "./stop-reasons.ts";
import { writeUsage } from "./usage.ts";

/** A whole message. */
export function writeMessage(answer: NeutralAnswer, head: AnswerHead, end: AnswerEnd): JsonObject {
  const [choice] = answer.choices;
  const parts = choice?.parts ?? [];
  const said = parts.map((part) => (part.type === "refusal" ? part.text : "")).join("");
  return {
    id: head.id,
    type: "message",
    role: "assistant",
    model: head.model,
    content: writeBlocks(parts),
    ...writeStop(withRefusal(choice?.finish, said), choice?.stopSequence, choice?.refused, said),
    container: null,
    usage: writeUsage(end.usage),
  };
}

/**
 * Why a message ended.
 *
 * @param said what the model said as it declined; empty: nothing.
 */
export function writeStop(
  finish: Finish | undefined,
  stopSequence: string | undefined,
  refused?: RefusalReason,
  said = "",
): JsonObject {
  const reason = finish === undefined ? null : stopReasonOf(finish);
  return {
    stop_reason: reason,
    stop_sequence: stopSequence ?? null,
    stop_details: reason === "refusal" ? writeRefusal(refused, said) : null,
  };
}

/** The categories that the format's clients know (@anthropic-ai/sdk 1.11, RefusalStopDetails). */
const categories: ReadonlySet<string> = new Set([
  "cyber",
  "bio",
  "frontier_llm",
  "reasoning_extraction",
  "general_harms",
]);

/** A category of another vendor's stands in words. */
function writeRefusal({ category, explanation }: RefusalReason = {}, said: string): JsonObject {
  const known = category !== undefined && categories.has(category);
  const foreign = category === undefined || known ? "" : `Category: ${category}.`;
  const words = [explanation ?? said, foreign].filter((piece) => piece !== "").join(" ");
  return { type: "refusal", category: known ? category : null, explanation: words === "" ? null : words };
}

function writeBlocks(parts: readonly AnswerPart[]): JsonObject[] {
  const blocks: JsonObject[] = [];
  /** Sources of the newest text. */
  let citations: JsonObject[] = [];
  const say = (text: string) => {
    citations = [];
    blocks.push({ type: "text", text, citations });
  };
  for (const part of parts) {
    switch (part.type) {
      case "text":
      case "refusal":
        if (part.text !== "") say(part.text);
        break;
      case "thinking": {
        const signature = signatureText(part.signature, messagesFormat);
        blocks.push({ type: "thinking", thinking: part.text, signature });
        break;
      }
      case "redacted_thinking":
        blocks.push({ type: "redacted_thinking", data: signatureText(part.signature, messagesFormat) });
        break;
      case "tool_call":
        if (part.signature !== undefined) blocks.push(signedCall(signatureText(part.signature, messagesFormat)));
        blocks.push({ ...startOfCall(part), input: inputOfCall(part) });
        break;
      case "image":
        say(imageText(part.mediaType, part.data));
        break;
      case "citation":
        citations.push(writeCitation(part.citation));
        break;
    }
  }
  return blocks.map(withoutEmptyCitations);
}

/** The vendor leaves the field out where nothing is cited, and strict readers take no null. */
function withoutEmptyCitations(block: JsonObject): JsonObject {
  if (!Array.isArray(block.citations) || block.citations.length > 0) return block;
  const { citations: _none, ...rest } = block;
  return rest;
}

/** What a call was signed with has no place in its block: it goes before it, and comes back with it. */
export function signedCall(signature: string): JsonObject {
  return { type: "thinking", thinking: "", signature };
}

/** A call's block without its input. */
export function startOfCall({ id, name }: { id: string; name: string }): JsonObject {
  return { type: "tool_use", id, name, input: {}, caller: { type: "direct" } };
}

/** The format has no images in answers: a text that shows it where Markdown is shown. */
export function imageText(mediaType: string, data: string): string {
  return `![image](data:${mediaType};base64,${data})`;
}

/** The format's form of a source. */
export function writeCitation({ url, title, quote }: Citation): JsonObject {
  return { type: "web_search_result_location", url, title, cited_text: quote ?? "", encrypted_index: "" };
}
