import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { type ImageShape, jsonMessage, listedImages } from "./shape.ts";

const known: ReadonlySet<string> = new Set([
  ...["negative_prompt", "num_inference_steps", "guidance_scale", "cfg", "seed", "output_format"],
]);
/** Its names of the images that it is given, in their order. */
const imageFields = ["image", "image2", "image3"] as const;

/** SiliconFlow (docs.siliconflow.cn, "Create image generations request"): addresses that hold for an hour, no usage. */
export const siliconflowImages: ImageShape = (flavour, place) => ({
  streams: false,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { given: imageFields.length });
    noteQuality(request, note);
    const others = knownFields(request, known, note);
    return jsonMessage(place, request, (dataUrlOf) => ({
      ...others,
      ...fieldsOf(request),
      model,
      ...Object.fromEntries(request.images.map((image, index) => [imageFields[index], dataUrlOf(image)])),
    }));
  },
  read({ images, data }, { size }) {
    return { images: listedImages(images ?? data), size, quality: "auto", counts: {} };
  },
});

function fieldsOf({ prompt, n, size }: ImageRequest): JsonObject {
  return { prompt, batch_size: n, ...(size === "auto" ? {} : { image_size: size }) };
}
