import { asArray, asObject, type JsonObject, parseJson } from "../../wire/json.ts";
import type { EmbeddingInput, EmbeddingsRequest } from "./neutral.ts";

/** Reads a client's body of POST /v1/embeddings; the edge has checked it. */
export function readEmbeddingsRequest(body: Uint8Array): EmbeddingsRequest {
  const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const { model: _model, input, dimensions, encoding_format, ...others } = given;
  return {
    inputs: inputsOf(input),
    dimensions: typeof dimensions === "number" ? dimensions : undefined,
    encoding: encoding_format === "base64" ? "base64" : "float",
    others,
    body,
  };
}

function inputsOf(input: unknown): readonly EmbeddingInput[] {
  const isOne = typeof input === "string" || typeof asArray(input)[0] === "number";
  return (isOne ? [input] : asArray(input)) as readonly EmbeddingInput[];
}

/** The inputs of a request to an upstream that takes texts alone. */
export function textsOf({ inputs }: EmbeddingsRequest): readonly string[] {
  return inputs.filter((input) => typeof input === "string");
}

/** Those of the client's other fields that a vendor knows by the same name. */
export function knownOthers({ others }: EmbeddingsRequest, known: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(others).filter(([name, value]) => known.has(name) && value !== null && value !== undefined),
  );
}
