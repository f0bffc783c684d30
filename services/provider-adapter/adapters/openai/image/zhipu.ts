import { checkLimits, knownFields } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import { asString, type JsonObject } from "../../../wire/json.ts";
import { type ImageShape, jsonMessage, listedImages } from "./shape.ts";

const known: ReadonlySet<string> = new Set(["user_id", "watermark_enabled"]);

/** Its two qualities by OpenAI's words. */
const qualities: Readonly<Record<string, "standard" | "hd">> = {
  low: "standard",
  medium: "standard",
  standard: "standard",
  high: "hd",
  xhigh: "hd",
  max: "hd",
  hd: "hd",
};

/** Zhipu (docs.z.ai, "Generate Image"): one image a request, at an address, no usage. It does not edit. */
export const zhipuImages: ImageShape = (flavour, place) => ({
  streams: false,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { made: 1, given: 0 });
    const others = knownFields(request, known, note);
    return jsonMessage(place, request, () => ({ ...others, model, prompt: request.prompt, ...fieldsOf(request) }));
  },
  read(answer, request) {
    const quality = qualities[request.quality] ?? "auto";
    return { images: listedImages(answer.data), size: request.size, quality, counts: {}, id: asString(answer.id) };
  },
});

function fieldsOf({ size, quality }: ImageRequest): JsonObject {
  return {
    ...(size === "auto" ? {} : { size }),
    ...(qualities[quality] === undefined ? {} : { quality: qualities[quality] }),
  };
}
