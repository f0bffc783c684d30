import type { MadeImage } from "../../../modules/image/format.ts";
import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import type { FailureMeaning } from "../../failures.ts";
import { type ImageShape, jsonMessage, statedFailure } from "./shape.ts";

const known: ReadonlySet<string> = new Set([
  ...["negative_prompt", "prompt_extend", "watermark", "seed", "enable_interleave"],
]);
/** qwen-image-edit takes 3 images, wan2.6-image 4 (alibabacloud.com/help/en/model-studio, "Qwen - image editing"). */
const mostImages = 4;

/** What its codes mean where they stand in an answer with status 200; the first that matches counts. */
const meanings: readonly (readonly [RegExp, FailureMeaning])[] = [
  [/^DataInspectionFailed|IPInfringementSuspect/i, "filtered"],
  [/^Throttling|ServiceUnavailable/i, "overloaded"],
  [/^Arrearage/i, "no_credit"],
  [/^(InvalidApiKey|AccessDenied)/i, "credential"],
  [/^(ModelNotFound|model_not_found)/i, "unknown_model"],
  [/^(InvalidParameter|BadRequest|InvalidURL|DataInspection)/i, "refused"],
];

/**
 * DashScope's own format of images of qwen-image and wan, in one call (the models that only run as tasks are not served). Left to
 * itself wan makes four images, so their number is always said.
 */
export const dashscopeImages: ImageShape = (flavour, place) => ({
  streams: false,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { given: mostImages });
    noteQuality(request, note);
    const others = knownFields(request, known, note);
    return jsonMessage(place, request, (dataUrlOf) => ({
      model,
      input: {
        messages: [
          {
            role: "user",
            content: [...request.images.map((image) => ({ image: dataUrlOf(image) })), { text: request.prompt }],
          },
        ],
      },
      parameters: { ...others, ...parametersOf(request) },
    }));
  },
  read(answer, request) {
    const code = asString(answer.code);
    const id = asString(answer.request_id);
    if (code) throw statedFailure(meaningOf(code), asString(answer.message), id);
    return {
      images: imagesIn(asObject(answer.output) ?? {}),
      size: sizeIn(asObject(answer.usage) ?? {}) ?? request.size,
      quality: "auto",
      counts: {},
      id,
    };
  },
});

function meaningOf(code: string): FailureMeaning | undefined {
  return meanings.find(([pattern]) => pattern.test(code))?.[1];
}

function parametersOf({ n, size }: ImageRequest): JsonObject {
  return { n, ...(size === "auto" ? {} : { size: size.replace("x", "*") }) };
}

/** Several images are contents of one choice, or choices of one content. */
function imagesIn(output: JsonObject): MadeImage[] {
  return asArray(output.choices).flatMap((choice) =>
    asArray(asObject(asObject(choice)?.message)?.content).flatMap((part) => {
      const url = asString(asObject(part)?.image);
      return url ? [{ url, rest: {} }] : [];
    }),
  );
}

function sizeIn(usage: JsonObject): string | undefined {
  const width = countOf(usage.output_width ?? usage.width);
  const height = countOf(usage.output_height ?? usage.height);
  return width && height ? `${width}x${height}` : undefined;
}
