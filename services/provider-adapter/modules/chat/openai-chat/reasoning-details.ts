import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { AnswerPart } from "../neutral/answer.ts";
import type { RedactedThinkingPart, ThinkingPart } from "../neutral/request.ts";
import { parseOrigin, type Signature, writeOrigin } from "../neutral/signature.ts";

/*
 * How signed thinking survives a round trip through the chat dialect: an assistant message carries `reasoning_details`, a
 * list in the form that OpenRouter made common. Clients push the message back as they got it: the official SDKs keep
 * unknown fields of a message, and their stream helpers keep the last value of an unknown field of a delta, so the whole
 * list is sent in one delta before the finish.
 *   {type: "reasoning.text", text, signature, format, index}    signed thinking
 *   {type: "reasoning.encrypted", data, format, index}          thinking that the upstream gave encrypted
 *   {type: "reasoning.encrypted", data, format, id, index}      what a tool call (by its ID) was signed with
 * `format` is the wire format of the upstream that signed, marked as our word for it ("tl1~anthropic.messages").
 */

/** The list for the parts of an answer; empty where nothing is signed: then `reasoning_content` says it all. */
export function writeReasoningDetails(parts: readonly AnswerPart[]): JsonObject[] {
  const details: JsonObject[] = [];
  const add = (detail: JsonObject) => details.push({ ...detail, index: details.length });
  let signed = false;
  for (const part of parts) {
    if (part.type === "thinking") {
      const { text, signature } = part;
      if (signature === undefined) add({ type: "reasoning.text", text });
      else add({ type: "reasoning.text", text, signature: signature.value, format: writeOrigin(signature.origin) });
      signed ||= signature !== undefined;
    } else if (part.type === "redacted_thinking") {
      add({ type: "reasoning.encrypted", data: part.signature.value, format: writeOrigin(part.signature.origin) });
      signed = true;
    } else if (part.type === "tool_call" && part.signature !== undefined) {
      add({
        type: "reasoning.encrypted",
        data: part.signature.value,
        format: writeOrigin(part.signature.origin),
        id: part.id,
      });
      signed = true;
    }
  }
  return signed ? details : [];
}

/** What `reasoning_details` of a message that came back holds. */
export interface ParsedDetails {
  readonly thinking: readonly (ThinkingPart | RedactedThinkingPart)[];
  /** By the ID of the call. */
  readonly callSignatures: ReadonlyMap<string, Signature>;
}

/**
 * Reads the list. A detail whose format is not our word is a vendor's own, made by an upstream that speaks this dialect
 * too: it is kept whole, because that vendor wants it back unchanged.
 */
export function parseReasoningDetails(value: unknown, at: string, ownFormat: string): ParsedDetails {
  const thinking: (ThinkingPart | RedactedThinkingPart)[] = [];
  const callSignatures = new Map<string, Signature>();
  for (const [index, raw] of asArray(value).entries()) {
    const detail = asObject(raw) ?? {};
    const place = `${at}[${index}]`;
    const origin = parseOrigin(asString(detail.format));
    const text = asString(detail.text) ?? asString(detail.summary) ?? "";
    const secret = asString(detail.signature) || asString(detail.data);
    const signature: Signature | undefined = !secret
      ? undefined
      : origin === undefined
        ? { origin: ownFormat, value: JSON.stringify(detail) }
        : { origin, value: secret };
    if (detail.type === "reasoning.encrypted" && signature !== undefined) {
      const callId = asString(detail.id);
      if (callId) callSignatures.set(callId, signature);
      else thinking.push({ type: "redacted_thinking", signature, at: place });
    } else if (text !== "" || signature !== undefined) {
      thinking.push({ type: "thinking", text, signature, at: place });
    }
  }
  return { thinking, callSignatures };
}
