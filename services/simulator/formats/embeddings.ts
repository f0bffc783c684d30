import { deliverJson } from "../deliver.ts";
import { InvalidRequest, type Route } from "../exchange.ts";
import { arrayOf, countOf, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";
import { cohereFormat } from "./rerank.ts";
import { dimensionsOf, packed, tokensOf, type VectorInput, vectorsOf } from "./vectors.ts";

/**
 * POST /v1/embeddings: OpenAI, or Voyage where the body says so, which counts the total alone. A repeatable unit vector for each input, of
 * 256 dimensions unless asked otherwise.
 */
export const embeddings: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const inputs = inputsOf(body.input);
    if (inputs.length === 0 || inputs.some((input) => input.length === 0)) {
      throw new InvalidRequest("'$.input' is invalid: it must not be empty.", "input");
    }
    const tokens = tokensOf(inputs);
    const usage = "truncation" in body ? { total_tokens: tokens } : { prompt_tokens: tokens, total_tokens: tokens };
    const vectors = vectorsOf(exchange, inputs, dimensionsOf(countOf(body.dimensions ?? body.output_dimension)));
    deliverJson(
      exchange,
      openaiFormat,
      JSON.stringify({
        object: "list",
        data: vectors.map(({ index, vector }) => ({
          object: "embedding",
          index,
          embedding: body.encoding_format === "base64" ? packed(vector) : vector,
        })),
        model: exchange.model,
        ...(exchange.behaviour.usage ? { usage } : {}),
      }),
    );
  },
};

/** POST /v2/embed: Cohere, whose vectors stand under their type and say no place. */
export const cohereEmbed: Route = {
  format: cohereFormat,
  readsBody: true,
  answer(exchange, body) {
    const texts = arrayOf(body.texts).map(stringOf);
    if (texts.length === 0 || texts.includes("")) throw new InvalidRequest("texts must not be empty", "texts");
    if (stringOf(body.input_type) === "") throw new InvalidRequest("input_type is required", "input_type");
    const type = stringOf(arrayOf(body.embedding_types)[0]) || "float";
    const vectors = vectorsOf(exchange, texts, dimensionsOf(countOf(body.output_dimension)));
    const billed = exchange.behaviour.usage ? { billed_units: { input_tokens: tokensOf(texts) } } : {};
    deliverJson(
      exchange,
      cohereFormat,
      JSON.stringify({
        id: exchange.id,
        embeddings: { [type]: vectors.map(({ vector }) => (type === "base64" ? packed(vector) : vector)) },
        texts,
        meta: { api_version: { version: "2" }, ...billed },
        response_type: "embeddings_by_type",
      }),
    );
  },
};

function inputsOf(input: unknown): VectorInput[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === "number")) return input.length === 0 ? [] : [input];
  return input.filter((item) => typeof item === "string" || Array.isArray(item));
}
