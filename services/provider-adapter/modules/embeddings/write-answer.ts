import type { BillableUsage } from "../../../../shared/money/usage.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { Vector } from "./vector.ts";

/** What an answer says beside its vectors. */
export interface AnswerHead {
  readonly model: string;
  readonly usage: BillableUsage;
}

const dataStart = Buffer.from('{"object":"list","data":[');
const numbersEnd = Buffer.from("}");
const textEnd = Buffer.from('"}');

/** The answer for the client, in OpenAI's shape (openai 7.55, resources/embeddings.d.ts). The vectors' own bytes go into it. */
export function writeAnswer(vectors: readonly Vector[], { model, usage }: AnswerHead): Uint8Array {
  const parts: Uint8Array[] = [dataStart];
  for (const [index, { encoding, text }] of vectors.entries()) {
    const isText = encoding === "base64";
    const start = `${index === 0 ? "" : ","}{"object":"embedding","index":${index},"embedding":${isText ? '"' : ""}`;
    parts.push(Buffer.from(start), text, isText ? textEnd : numbersEnd);
  }
  parts.push(Buffer.from(`],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usageOf(usage))}}`));
  return Buffer.concat(parts);
}

/** What history keeps of an answer: how many vectors of which length, never the vectors. */
export function writeDocument(vectors: readonly Vector[], { model, usage }: AnswerHead): Uint8Array {
  const [first] = vectors;
  const data = { count: vectors.length, dimensions: first?.dimensions ?? 0, encoding_format: first?.encoding };
  return Buffer.from(JSON.stringify({ object: "list", data, model, usage: usageOf(usage) }));
}

function usageOf({ inputTokens }: BillableUsage): JsonObject {
  return { prompt_tokens: Number(inputTokens), total_tokens: Number(inputTokens) };
}
