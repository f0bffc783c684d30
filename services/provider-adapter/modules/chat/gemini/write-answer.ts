import type { BillableUsage } from "../../../../../shared/money/usage.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Choice, Citation, NeutralAnswer } from "../neutral/answer.ts";
import { inputOfCall } from "../neutral/call-input.ts";
import type { AnswerEnd, AnswerHead } from "../neutral/formats.ts";
import { toldUsage } from "../neutral/further.ts";
import { finishReasonOf } from "./finish-reasons.ts";
import { writeThoughtSignature } from "./signature.ts";

/** A whole answer. */
export function writeGenerated(answer: NeutralAnswer, head: AnswerHead, end: AnswerEnd): JsonObject {
  return {
    candidates: answer.choices.map(writeCandidate),
    usageMetadata: writeUsage(end.usage),
    modelVersion: head.model,
    responseId: head.id,
  };
}

function writeCandidate({ parts, finish, logprobs }: Choice, index: number): JsonObject {
  const citations = parts.flatMap((part) => (part.type === "citation" ? [part.citation] : []));
  const written = parts.flatMap(writePart);
  return {
    content: { parts: written.length === 0 ? [{ text: "" }] : written, role: "model" },
    ...(finish === undefined ? {} : { finishReason: finishReasonOf(finish) }),
    index,
    ...(citations.length === 0 ? {} : { groundingMetadata: writeGrounding(citations) }),
    ...(asObject(logprobs) === undefined ? {} : { logprobsResult: writeLogprobs(logprobs) }),
  };
}

/** A part of an answer; citations have a place of their own. */
export function writePart(part: AnswerPart): JsonObject[] {
  switch (part.type) {
    case "text":
    case "refusal":
      return part.text === "" ? [] : [{ text: part.text }];
    case "thinking": {
      const signed = part.signature === undefined ? {} : { thoughtSignature: writeThoughtSignature(part.signature) };
      // A signature without a thought belongs to the text before it, and stands in a part of its own.
      return [{ text: part.text, ...(part.text === "" ? {} : { thought: true }), ...signed }];
    }
    case "redacted_thinking":
      return [{ text: "", thought: true, thoughtSignature: writeThoughtSignature(part.signature) }];
    case "tool_call": {
      const { id, name, signature } = part;
      const signed = signature === undefined ? {} : { thoughtSignature: writeThoughtSignature(signature) };
      return [{ functionCall: { id, name, args: inputOfCall(part) }, ...signed }];
    }
    case "image":
      return [{ inlineData: { mimeType: part.mediaType, data: part.data } }];
    case "citation":
      return [];
  }
}

/** Sources, each once, and what they say of the answer. */
export function writeGrounding(citations: readonly Citation[]): JsonObject {
  const places = new Map<string, number>();
  const groundingChunks: JsonObject[] = [];
  const groundingSupports: JsonObject[] = [];
  for (const { url, title, quote } of citations) {
    let place = places.get(url);
    if (place === undefined) {
      place = groundingChunks.push({ web: { uri: url, title } }) - 1;
      places.set(url, place);
    }
    if (quote) groundingSupports.push({ segment: { text: quote }, groundingChunkIndices: [place] });
  }
  return { groundingChunks, ...(groundingSupports.length === 0 ? {} : { groundingSupports }) };
}

/** The counts of an answer: the prompt's with what was cached, the candidates' without thoughts. */
export function writeUsage(usage: BillableUsage): JsonObject {
  const { fresh, cached, written, output, reasoning } = toldUsage(usage);
  const promptTokenCount = fresh + cached + written;
  return {
    promptTokenCount,
    candidatesTokenCount: output - reasoning,
    totalTokenCount: promptTokenCount + output,
    ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
    ...(reasoning === 0 ? {} : { thoughtsTokenCount: reasoning }),
  };
}

/** OpenAI's `logprobs` in this format. */
export function writeLogprobs(value: unknown): JsonObject {
  const steps = asArray(asObject(value)?.content).map((step) => asObject(step) ?? {});
  return {
    chosenCandidates: steps.map(writeLogprob),
    topCandidates: steps.map((step) => ({
      candidates: asArray(step.top_logprobs).map((top) => writeLogprob(asObject(top) ?? {})),
    })),
  };
}

function writeLogprob({ token, logprob }: JsonObject): JsonObject {
  return { token: asString(token) ?? "", logProbability: typeof logprob === "number" ? logprob : 0 };
}
