import { type Static, Type } from "typebox";
import { maybe, modelName, oneOf, open } from "../schemas/json.ts";

/* POST /v1/images/generations and /v1/images/edits (openai 7.59, resources/images.d.ts). Unknown fields pass. */

/** As many as OpenAI takes. */
export const mostImages = 16;

const fields = {
  model: modelName,
  prompt: Type.String({ minLength: 1, maxLength: 100_000 }),
  n: maybe(Type.Integer({ minimum: 1, maximum: 10 })),
  size: maybe(Type.String({ pattern: "^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$" })),
  quality: maybe(oneOf("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")),
  background: maybe(oneOf("auto", "transparent", "opaque")),
  output_format: maybe(oneOf("png", "jpeg", "webp", "gif", "svg")),
  output_compression: maybe(Type.Integer({ minimum: 0, maximum: 100 })),
  response_format: maybe(oneOf("url", "b64_json")),
  stream: maybe(Type.Boolean()),
  partial_images: maybe(Type.Integer({ minimum: 0, maximum: 3 })),
  user: maybe(Type.String()),
};

/** Body of POST /v1/images/generations. */
export const imagesBody = open({
  ...fields,
  moderation: maybe(oneOf("auto", "low")),
  style: maybe(Type.String({ maxLength: 64 })),
});

/** Fields of POST /v1/images/edits, beside its images. */
export const editFields = open({ ...fields, input_fidelity: maybe(oneOf("high", "low")) });

/** Body of POST /v1/images/generations, checked. */
export type ImagesBody = Static<typeof imagesBody>;

/** What both endpoints are asked, checked. */
export type ImageFields = Pick<ImagesBody, "model" | "prompt" | "n" | "size" | "quality" | "stream" | "partial_images">;
