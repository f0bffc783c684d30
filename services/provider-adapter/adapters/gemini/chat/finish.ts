import type { Finish, RefusalReason } from "../../../modules/chat/neutral/answer.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

const finishes: Readonly<Record<string, Finish>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  LANGUAGE: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  MODEL_ARMOR: "content_filter",
  IMAGE_SAFETY: "content_filter",
  IMAGE_PROHIBITED_CONTENT: "content_filter",
  IMAGE_RECITATION: "content_filter",
  ESCALATION: "content_filter",
  CONTINUATION: "pause",
};

/** What ends an answer that went wrong: without any content it is none. */
const failures: ReadonlySet<string> = new Set([
  "OTHER",
  "MALFORMED_FUNCTION_CALL",
  "MALFORMED_RESPONSE",
  "MISSING_THOUGHT_SIGNATURE",
  "PUP_LIMITED_DISABLED",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "NO_IMAGE",
  "IMAGE_OTHER",
]);

/** The finish of a reason. A call ends with STOP here; one that is new ends the answer like any other. */
export function finishOf(reason: string, called: boolean): Finish {
  const finish = finishes[reason] ?? "stop";
  return called && finish === "stop" ? "tool_calls" : finish;
}

/** Why a candidate was filtered: the kind of harm that blocked it, else the reason itself. */
export function refusedOf(candidate: JsonObject, reason: string): RefusalReason | undefined {
  if (finishes[reason] !== "content_filter") return undefined;
  const blocked = asArray(candidate.safetyRatings)
    .map(asObject)
    .find((rating) => rating?.blocked === true);
  return {
    category: asString(blocked?.category) ?? reason,
    explanation: asString(candidate.finishMessage) || undefined,
  };
}

/** Whether a reason means that the answer went wrong. */
export function isFailure(reason: string): boolean {
  return failures.has(reason);
}
