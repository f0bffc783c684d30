import type { BillableUsage } from "../../../../shared/money.ts";
import { asArray, asObject, type JsonObject, parseJson } from "../../wire/json.ts";
import type { EmbeddingInput, EmbeddingsRequest } from "./neutral.ts";
import type { Vector } from "./vector.ts";

/* What clients of POST /v1/embeddings say and hear (openai 7.55, resources/embeddings.d.ts). */

/** Reads the client's body; the edge has checked it. */
export function readRequest(body: Uint8Array): EmbeddingsRequest {
  const { input, dimensions, encoding_format } = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  return {
    inputs: inputsOf(input),
    dimensions: typeof dimensions === "number" ? dimensions : undefined,
    encoding: encoding_format === "base64" ? "base64" : "float",
  };
}

function inputsOf(input: unknown): readonly EmbeddingInput[] {
  const isOne = typeof input === "string" || typeof asArray(input)[0] === "number";
  return (isOne ? [input] : asArray(input)) as readonly EmbeddingInput[];
}

/** What an answer says beside its vectors. */
interface AnswerHead {
  readonly model: string;
  readonly usage: BillableUsage;
}

const dataStart = Buffer.from('{"object":"list","data":[');
const numbersEnd = Buffer.from("}");
const textEnd = Buffer.from('"}');

/** The answer for the client. The vectors' own bytes go into it. */
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
