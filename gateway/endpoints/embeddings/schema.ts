import { Type } from "typebox";
import { maybe, modelName, oneOf, open } from "../schemas/json.ts";

/** Most dimensions that a client may ask for: far above any model's. */
const maxDimensions = 65_536;

/** Body of POST /v1/embeddings (openai 7.55, resources/embeddings.d.ts). Unknown fields pass. `checkInput` checks `input`. */
export const embeddingsBody = open({
  model: modelName,
  input: Type.Unknown(),
  dimensions: maybe(Type.Integer({ minimum: 1, maximum: maxDimensions })),
  encoding_format: maybe(oneOf("float", "base64")),
  user: maybe(Type.String()),
});
