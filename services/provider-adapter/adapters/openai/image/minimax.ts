import type { MadeImage } from "../../../modules/image/format.ts";
import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import { type ImageRequest, pixelsOf } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { minimaxMeanings } from "../minimax-meanings.ts";
import { type ImageShape, jsonMessage, statedFailure } from "./shape.ts";

const known: ReadonlySet<string> = new Set([
  ...["seed", "prompt_optimizer", "aigc_watermark", "aspect_ratio", "style"],
]);

/** MiniMax: images of a prompt. Its references keep a person's face and do not edit, so they are no edits. */
export const minimaxImages: ImageShape = (flavour, place) => ({
  streams: false,
  inBandError: flavour.streamError,
  write(request, model, note) {
    checkLimits(request, { made: 9, given: 0 });
    noteQuality(request, note);
    const others = knownFields(request, known, note);
    return jsonMessage(place, request, () => ({ ...others, ...fieldsOf(request), model }));
  },
  read(answer, { size }) {
    const { status_code: code = 0, status_msg: message } = asObject(answer.base_resp) ?? {};
    const id = asString(answer.id);
    if (code !== 0) throw statedFailure(minimaxMeanings[Number(code)], asString(message), id);
    return {
      images: imagesIn(asObject(answer.data) ?? {}),
      size,
      quality: "auto",
      counts: {},
      id,
    };
  },
});

function fieldsOf({ prompt, n, size, wants }: ImageRequest): JsonObject {
  return {
    prompt,
    n,
    ...(pixelsOf(size) ?? {}),
    response_format: wants === "b64_json" ? "base64" : "url",
  };
}

function imagesIn({ image_urls: urls, image_base64: data }: JsonObject): MadeImage[] {
  return [
    ...asArray(urls).flatMap((url) => (typeof url === "string" && url !== "" ? [{ url, rest: {} }] : [])),
    ...asArray(data).flatMap((base64) => (typeof base64 === "string" && base64 !== "" ? [{ base64, rest: {} }] : [])),
  ];
}
