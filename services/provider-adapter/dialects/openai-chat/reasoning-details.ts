import { asArray, asObject, asString, type JsonObject } from "../../domain/json.ts";
import type { AnswerPart } from "../../domain/neutral/answer.ts";
import type { RedactedThinkingPart, ThinkingPart } from "../../domain/neutral/request.ts";
import type { Signature } from "../../domain/neutral/signature.ts";

/*
 * How signed thinking survives a round trip through the chat dialect: an assistant message carries `reasoning_details`, a
 * list in the form that OpenRouter made common. Clients push the message back as they got it: the official SDKs keep
 * unknown fields of a message, and their stream helpers keep the last value of an unknown field of a delta, so the whole
 * list is sent in one delta before the finish.
 *   {type: "reasoning.text", text, signature, format, index}    signed thinking
 *   {type: "reasoning.encrypted", data, format, index}          thinking that the upstream gave encrypted
 *   {type: "reasoning.encrypted", data, format, id, index}      what a tool call (by its ID) was signed with
 * `format` is the wire format of the upstream that signed.
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
      else add({ type: "reasoning.text", text, signature: signature.value, format: signature.origin });
      signed ||= signature !== undefined;
    } else if (part.type === "redacted_thinking") {
      add({ type: "reasoning.encrypted", data: part.signature.value, format: part.signature.origin });
      signed = true;
    } else if (part.type === "tool_call" && part.signature !== undefined) {
      add({
        type: "reasoning.encrypted",
        data: part.signature.value,
        format: part.signature.origin,
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
 * Reads the list. A detail of a format that is not named here is kept whole as this dialect's own: the upstream that made
 * it speaks this dialect too and wants it back unchanged.
 */
export function parseReasoningDetails(value: unknown, at: string, ownFormat: string): ParsedDetails {
  const thinking: (ThinkingPart | RedactedThinkingPart)[] = [];
  const callSignatures = new Map<string, Signature>();
  for (const [index, raw] of asArray(value).entries()) {
    const detail = asObject(raw) ?? {};
    const place = `${at}[${index}]`;
    const origin = asString(detail.format) || ownFormat;
    const text = asString(detail.text) ?? asString(detail.summary) ?? "";
    const signature = asString(detail.signature);
    const data = asString(detail.data);
    const callId = asString(detail.id);
    if (detail.type === "reasoning.encrypted" && data) {
      if (callId) callSignatures.set(callId, { origin, value: data });
      else thinking.push({ type: "redacted_thinking", signature: { origin, value: data }, at: place });
    } else if (text !== "" || signature) {
      thinking.push({
        type: "thinking",
        text,
        at: place,
        ...(signature ? { signature: { origin, value: signature } } : {}),
      });
    }
  }
  return { thinking, callSignatures };
}
