import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { imageTypeBytes, imageTypeOf } from "../../../shared/image-type.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import { type FormSpec, isFile, type Upload } from "../../domain/form.ts";
import type { FormEndpoint, JsonForm } from "../paid-endpoint.ts";
import { checkedFields } from "../schemas/form-fields.ts";
import { editsJson } from "./edits-json.ts";
import { imageDemand } from "./image-demand.ts";
import { editFields, mostImages } from "./schema.ts";

const form: FormSpec = {
  files: { image: { required: true, most: mostImages }, mask: { most: 1 } },
  fields: {
    model: { kind: "text", required: true },
    prompt: { kind: "text", required: true },
    n: { kind: "number" },
    size: { kind: "text" },
    quality: { kind: "text" },
    background: { kind: "text" },
    output_format: { kind: "text" },
    output_compression: { kind: "number" },
    response_format: { kind: "text" },
    input_fidelity: { kind: "text" },
    stream: { kind: "boolean" },
    partial_images: { kind: "number" },
    user: { kind: "text" },
  },
};

/** POST /v1/images/edits: images of a prompt and of up to 16 images. */
export const imageEdits: FormEndpoint = {
  paths: ["/v1/images/edits"],
  module: Module.IMAGE,
  dialect: "openai.image_edits",
  form,
  json: editsJson as JsonForm,
  upload: "images",
  inBandError: openaiInBandError,
  keepsAnswer: false,
  look: withTypes,
  async read(given, _upload, request) {
    const fields = checkedFields(form, editFields, given, request);
    return imageDemand(fields, given.files.length);
  },
};

/** The upload with the types that its images have by their bytes: SDKs send files as application/octet-stream, and vendors refuse that. */
async function withTypes({ parts, source }: Upload): Promise<Upload> {
  const typed = parts.map(async (part) => {
    if (!isFile(part) || part.length === 0) return part;
    const contentType = imageTypeOf(await source.read(part.offset, Math.min(imageTypeBytes, part.length)));
    if (contentType === undefined) {
      throw new ThroughlineError("invalid_value", `${part.name} is not an image.`, { param: part.name });
    }
    return { ...part, contentType };
  });
  return { parts: await Promise.all(typed), source };
}
