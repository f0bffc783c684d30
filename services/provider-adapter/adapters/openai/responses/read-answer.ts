import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { AnswerPart, Citation, Finish, NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import type { Signature } from "../../../modules/chat/neutral/signature.ts";
import { responsesFormat } from "../../../modules/chat/openai-responses/format-name.ts";
import { countsIn } from "../../../modules/chat/openai-responses/read-usage.ts";
import { isReadable } from "../../../modules/chat/readable.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createMessageText, type MessageText, type PartPlace } from "./message-text.ts";

/** Reads a whole response. An error object in its place is thrown. */
export function readResponse(body: Buffer, sent: Uint8Array, flavour: OpenaiFlavour): NeutralAnswer {
  const response = asObject(parseJson(body.toString()));
  if (response === undefined) {
    throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  }
  const output = asArray(response.output);
  const isThere = Array.isArray(response.output) && (output.length === 0 || isReadable(output, ["type"]));
  const error = errorIn(response) ?? (isThere ? undefined : { message: "its answer has no output" });
  if (error !== undefined) throw flavour.streamError(error);
  const text = createMessageText();
  const parts = output.flatMap((item, index) => partsOf(asObject(item) ?? {}, index, text));
  const logprobs = output.flatMap((item) =>
    asArray(asObject(item)?.content).flatMap((part) => asArray(asObject(part)?.logprobs)),
  );
  return {
    choices: [
      {
        parts,
        finish: finishOf(
          response,
          parts.some(({ type }) => type === "tool_call"),
        ),
        ...(logprobs.length === 0 ? {} : { logprobs: { content: logprobs, refusal: null } }),
      },
    ],
    usage: countsIn(response, sent),
    model: asString(response.model) ?? "",
  };
}

/** Why a response ended. */
export function finishOf(response: JsonObject, called: boolean): Finish {
  const reason = asObject(response.incomplete_details)?.reason;
  if (reason === "max_output_tokens") return "length";
  if (reason === "content_filter") return "content_filter";
  return called ? "tool_calls" : "stop";
}

/** What encrypted reasoning was signed with; undefined: it is not encrypted. */
export function signatureOf(item: JsonObject): Signature | undefined {
  const value = asString(item.encrypted_content);
  return value ? { origin: responsesFormat, value } : undefined;
}

/** The thinking of a reasoning item: each part of its summary is a paragraph. */
export function thinkingIn(item: JsonObject): string {
  const parts = [...asArray(item.summary), ...asArray(item.content)];
  return parts.map((part) => asString(asObject(part)?.text) ?? "").join("\n\n");
}

/** A source of a text; empty for one that has no address. */
export function citationOf(raw: unknown): Citation[] {
  const annotation = asObject(raw);
  const url = asString(annotation?.url);
  if (annotation === undefined || url === undefined) return [];
  return [
    {
      url,
      title: asString(annotation.title) ?? "",
      start: typeof annotation.start_index === "number" ? annotation.start_index : undefined,
      end: typeof annotation.end_index === "number" ? annotation.end_index : undefined,
    },
  ];
}

/** What an item means. Items of the vendor's own tools are its own work: what they found shows as citations. */
function partsOf(item: JsonObject, index: number, text: MessageText): AnswerPart[] {
  switch (item.type) {
    case "message":
      return asArray(item.content).flatMap((raw, part) => contentOf(asObject(raw) ?? {}, { item: index, part }, text));
    case "reasoning":
      return [{ type: "thinking", text: thinkingIn(item), signature: signatureOf(item) }];
    case "function_call":
    case "custom_tool_call": {
      const custom = item.type === "custom_tool_call";
      const input = asString(custom ? item.input : item.arguments) ?? "";
      return [{ type: "tool_call", id: asString(item.call_id) ?? "", name: asString(item.name) ?? "", input, custom }];
    }
    case "image_generation_call": {
      const data = asString(item.result);
      return data ? [{ type: "image", mediaType: `image/${asString(item.output_format) ?? "png"}`, data }] : [];
    }
    default:
      return [];
  }
}

function contentOf(part: JsonObject, place: PartPlace, text: MessageText): AnswerPart[] {
  if (part.type === "refusal") return [{ type: "refusal", text: asString(part.refusal) ?? "" }];
  const said = text.textOf(place, asString(part.text) ?? "");
  const citations = asArray(part.annotations).flatMap(citationOf);
  return [
    { type: "text", text: said },
    ...citations.map((citation) => ({ type: "citation" as const, citation: text.placed(place, citation) })),
  ];
}
