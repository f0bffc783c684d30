import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { AnswerPart, NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { inBandFailure, messageOf } from "../errors.ts";
import { finishOf, isFailure, refusedOf } from "./finish.ts";
import { readCitation, readImage, signatureIn } from "./read-blocks.ts";
import { readUsage } from "./usage.ts";

/** Reads a whole answer. Throws a ThroughlineError when it is none. `origin`: the format that signatures belong to. */
export function readConverse(body: Buffer, origin: string): NeutralAnswer {
  const top = asObject(parseExact(body.toString()));
  if (top === undefined) throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  const { content } = asObject(asObject(top.output)?.message) ?? {};
  const reason = asString(top.stopReason);
  // An empty list is an answer: a model may have nothing to add.
  if (!Array.isArray(content)) throw inBandFailure(asString(top.__type) ?? "", messageOf(top));
  let textLength = 0;
  const parts = asArray(content).flatMap((raw) => {
    const read = readBlock(asObject(raw) ?? {}, origin, textLength);
    for (const part of read) if (part.type === "text") textLength += part.text.length;
    return read;
  });
  if (content.length > 0 && parts.length === 0) throw inBandFailure("", "its answer has no content");
  if (parts.length === 0 && reason !== undefined && isFailure(reason)) {
    throw new ThroughlineError("upstream_error", `The upstream gave no answer (${reason}).`);
  }
  return {
    choices: [
      {
        parts,
        finish: reason === undefined ? undefined : finishOf(reason),
        refused: reason === undefined ? undefined : refusedOf(reason),
      },
    ],
    usage: readUsage(top),
    model: "",
  };
}

/** What a block means. The vendor tells it by the field that it has. */
function readBlock(block: JsonObject, origin: string, start: number): AnswerPart[] {
  const text = asString(block.text);
  if (text !== undefined) return [{ type: "text", text }];
  const call = asObject(block.toolUse);
  if (call !== undefined) return readCall(call);
  const reasoning = asObject(block.reasoningContent);
  if (reasoning !== undefined) return readReasoning(reasoning, origin);
  const cited = asObject(block.citationsContent);
  if (cited !== undefined) return readCited(cited, start);
  const image = readImage(asObject(block.image));
  return image === undefined ? [] : [{ type: "image", ...image }];
}

/** A call that the vendor made by itself (`server_tool_use`) is its own affair. */
function readCall(call: JsonObject): AnswerPart[] {
  if (call.type === "server_tool_use") return [];
  const input = JSON.stringify(call.input ?? {});
  const id = asString(call.toolUseId) ?? "";
  return [{ type: "tool_call", id, name: asString(call.name) ?? "", input, custom: false }];
}

function readReasoning(reasoning: JsonObject, origin: string): AnswerPart[] {
  const redacted = signatureIn(reasoning.redactedContent, origin);
  if (redacted !== undefined) return [{ type: "redacted_thinking", signature: redacted }];
  const thought = asObject(reasoning.reasoningText);
  if (thought === undefined) return [];
  const signature = signatureIn(thought.signature, origin);
  return [{ type: "thinking", text: asString(thought.text) ?? "", signature }];
}

function readCited(cited: JsonObject, start: number): AnswerPart[] {
  const text = asArray(cited.content)
    .map((piece) => asString(asObject(piece)?.text) ?? "")
    .join("");
  const citations = asArray(cited.citations).flatMap((raw) => readCitation(asObject(raw) ?? {}));
  const end = start + text.length;
  return [
    { type: "text", text },
    ...citations.map((one) => ({ type: "citation" as const, citation: { ...one, start, end } })),
  ];
}
