import { checkLimits } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { takenFields } from "../module.ts";
import { readOpenaiImages } from "./openai.ts";
import { type ImageShape, jsonMessage } from "./shape.ts";

/** As many references as its models take at most. */
const mostImages = 16;

/**
 * OpenRouter (npm @openrouter/sdk 1.3, "images.generate"): one address for both, JSON alone, images as references; it always
 * gives data, events where a model has them, and its usage is that of chat with its cost.
 */
export const openrouterImages: ImageShape = (flavour, place) => ({
  streams: true,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { given: mostImages });
    const others = takenFields(request.others, flavour, note);
    return jsonMessage(place, request, (dataUrlOf) => ({
      ...others,
      ...fieldsOf(request),
      model,
      ...(request.images.length === 0
        ? {}
        : {
            input_references: request.images.map((image) => ({
              type: "image_url",
              image_url: { url: dataUrlOf(image) },
            })),
          }),
    }));
  },
  read: readOpenaiImages,
});

function fieldsOf({ prompt, n, size, quality, stream }: ImageRequest): JsonObject {
  return {
    prompt,
    n,
    ...(size === "auto" ? {} : { size }),
    ...(quality === "auto" ? {} : { quality }),
    ...(stream ? { stream } : {}),
  };
}
