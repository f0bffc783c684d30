import { cleanMessage } from "../../../domain/clean-message.ts";
import type { MadeImage } from "../../../modules/image/format.ts";
import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import { type ImageRequest, pixelsOf } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { type FailureMeaning, failureOf } from "../../failures.ts";
import { type ImageShape, jsonMessage } from "./shape.ts";

const known: ReadonlySet<string> = new Set([
  ...["seed", "prompt_optimizer", "aigc_watermark", "aspect_ratio", "style"],
]);

/** What its codes mean, all of which come with status 200 (platform.minimax.io, "Error codes"). */
const meanings: Readonly<Record<number, FailureMeaning>> = {
  1000: "failed",
  1001: "timeout",
  1002: "overloaded",
  1004: "credential",
  1008: "no_credit",
  1024: "failed",
  1026: "filtered",
  1027: "filtered",
  1033: "failed",
  1039: "overloaded",
  1041: "overloaded",
  2013: "refused",
  2045: "overloaded",
  2049: "credential",
  2056: "no_credit",
};

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
    const { status_code: status, status_msg: message } = asObject(answer.base_resp) ?? {};
    if (status !== undefined && status !== 0) throw statedFailure(Number(status), asString(message) ?? "");
    return {
      images: imagesIn(asObject(answer.data) ?? {}),
      size,
      quality: "auto",
      counts: {},
      id: asString(answer.id),
    };
  },
});

function statedFailure(status: number, message: string) {
  return failureOf(meanings[status] ?? "failed", { said: cleanMessage(message) }).error;
}

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
