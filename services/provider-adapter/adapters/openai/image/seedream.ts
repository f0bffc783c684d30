import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import { readImageCounts } from "../../../modules/image/usage.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { type ImageShape, jsonMessage, listedImages } from "./shape.ts";

/** A number of images beside `n` is not among them: `n` is what was reserved. */
const known: ReadonlySet<string> = new Set([
  ...["seed", "guidance_scale", "watermark", "optimize_prompt_options", "output_format"],
]);
/** Seedream 4 takes 10 images, later ones 14 (volcengine.com/docs/82379/1541523). */
const mostImages = 14;

/** Volcengine's Seedream: images of a prompt and of images by one address. A failed image of several stands as an error in the list. */
export const seedreamImages: ImageShape = (flavour, place) => ({
  streams: false,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { given: mostImages });
    noteQuality(request, note);
    const others = knownFields(request, known, note);
    return jsonMessage(place, request, (dataUrlOf) => ({
      ...others,
      ...fieldsOf(request),
      model,
      ...given(request.images.map(dataUrlOf)),
    }));
  },
  read({ data, usage }, { size }) {
    const images = listedImages(data);
    const made = asString(images[0]?.rest.size);
    return { images, size: made ?? size, quality: "auto", counts: readImageCounts(asObject(usage)) };
  },
});

/** One model call makes as many images as it likes up to a bound, where it may make several. */
function fieldsOf({ prompt, n, size, wants }: ImageRequest): JsonObject {
  return {
    prompt,
    ...(size === "auto" ? {} : { size }),
    ...(wants === undefined ? {} : { response_format: wants }),
    sequential_image_generation: n > 1 ? "auto" : "disabled",
    ...(n > 1 ? { sequential_image_generation_options: { max_images: n } } : {}),
    stream: false,
  };
}

function given(dataUrls: readonly string[]): JsonObject {
  if (dataUrls.length === 0) return {};
  return { image: dataUrls.length === 1 ? dataUrls[0] : dataUrls };
}
