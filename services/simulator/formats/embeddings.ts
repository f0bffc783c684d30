import { deliverJson } from "../deliver.ts";
import { InvalidRequest, type Route } from "../exchange.ts";
import { countOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** POST /v1/embeddings: a repeatable unit vector for each input, of 256 dimensions unless asked otherwise. */
export const embeddings: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const inputs = inputsOf(body.input);
    if (inputs.length === 0 || inputs.some((input) => input.length === 0)) {
      throw new InvalidRequest("'$.input' is invalid: it must not be empty.", "input");
    }
    const dimensions = Math.min(countOf(body.dimensions) || 256, 4_096);
    const tokens = inputs.reduce(
      (sum, input) => sum + (typeof input === "string" ? Math.ceil(input.length / 4) : input.length),
      0,
    );
    deliverJson(
      exchange,
      openaiFormat,
      JSON.stringify({
        object: "list",
        data: inputs.map((input, index) => {
          const vector = vectorOf(typeof input === "string" ? input : input.join(), dimensions);
          return { object: "embedding", index, embedding: body.encoding_format === "base64" ? packed(vector) : vector };
        }),
        model: exchange.model,
        ...(exchange.behaviour.usage ? { usage: { prompt_tokens: tokens, total_tokens: tokens } } : {}),
      }),
    );
  },
};

function inputsOf(input: unknown): (string | number[])[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === "number")) return input.length === 0 ? [] : [input];
  return input.filter((item) => typeof item === "string" || Array.isArray(item));
}

/** A unit vector that depends on the text alone. */
export function vectorOf(text: string, dimensions: number): number[] {
  let seed = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) seed = Math.imul(seed ^ text.charCodeAt(index), 0x01000193);
  const raw = Array.from({ length: dimensions }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  });
  const norm = Math.sqrt(raw.reduce((sum, value) => sum + value * value, 0)) || 1;
  // float32, so that base64 and JSON say the same number.
  return raw.map((value) => Math.fround(value / norm));
}

function packed(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
