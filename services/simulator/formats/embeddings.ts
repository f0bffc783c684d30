import { deliverJson } from "../deliver.ts";
import { InvalidRequest, type Route } from "../exchange.ts";
import { countOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";
import { dimensionsOf, packed, tokensOf, type VectorInput, vectorsOf } from "./vectors.ts";

/** POST /v1/embeddings: a repeatable unit vector for each input, of 256 dimensions unless asked otherwise. */
export const embeddings: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const inputs = inputsOf(body.input);
    if (inputs.length === 0 || inputs.some((input) => input.length === 0)) {
      throw new InvalidRequest("'$.input' is invalid: it must not be empty.", "input");
    }
    const tokens = tokensOf(inputs);
    const vectors = vectorsOf(exchange, inputs, dimensionsOf(countOf(body.dimensions)));
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
        ...(exchange.behaviour.usage ? { usage: { prompt_tokens: tokens, total_tokens: tokens } } : {}),
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
