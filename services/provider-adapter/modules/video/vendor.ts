import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type Notes, nameOf } from "../../domain/notes.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { VideoFigures } from "./format.ts";
import { readSeconds, resolutionOf, type VideoImage, type VideoRequest, type VideoSize } from "./request.ts";

/* What several vendors' formats are made of. */

/** Fields of the client that a vendor has under the same name; the others are noted. */
export function sameFields(others: JsonObject, names: readonly string[], note: Notes["note"]): JsonObject {
  const taken: JsonObject = {};
  for (const [name, value] of Object.entries(others)) {
    if (value === null || value === undefined) continue;
    if (names.includes(name)) taken[name] = value;
    else note(`${nameOf(name)} dropped: the upstream's format has no such field`);
  }
  return taken;
}

/** The address of a picture, which may be a data URL. Throws invalid_value where it is a file of another vendor. */
export function addressOf(image: VideoImage): string {
  if (image.kind !== "file") return image.url;
  const param = "input_reference.file_id";
  throw new ThroughlineError("invalid_value", "This model's upstream has no such files: send the picture itself.", {
    param,
  });
}

/** A picture's data. Throws invalid_value where it is none: the vendor fetches nothing. */
export function dataOf(image: VideoImage): { readonly mediaType: string; readonly base64: string } {
  if (image.kind === "data") return image;
  throw new ThroughlineError("invalid_value", "This model's upstream takes a picture as a data URL only.", {
    param: image.kind === "file" ? "input_reference.file_id" : "input_reference.image_url",
  });
}

/** Sizes of the usual resolutions in 16:9. */
const wide: Readonly<Record<string, VideoSize>> = {
  "480p": { width: 832, height: 480 },
  "720p": { width: 1_280, height: 720 },
  "1080p": { width: 1_920, height: 1_080 },
  "4k": { width: 3_840, height: 2_160 },
};

/** The size of a resolution and a ratio; undefined where it is none of the usual ones. */
export function sizeFor(resolution: string, ratio: string): VideoSize | undefined {
  const size = Object.hasOwn(wide, resolution) ? wide[resolution] : undefined;
  if (size === undefined || ratio === "" || ratio === "16:9") return size;
  if (ratio === "9:16") return { width: size.height, height: size.width };
  return ratio === "1:1" ? { width: size.height, height: size.height } : undefined;
}

/** What a request will consume, with the vendor's defaults where it leaves open. */
export function figuresOf(
  { seconds, size, resolution }: VideoRequest,
  usual: { readonly seconds: number; readonly resolution: string },
): VideoFigures {
  return {
    seconds: seconds ?? usual.seconds,
    ...(size === undefined ? {} : { size: textOf(size) }),
    resolution: resolution || usual.resolution,
  };
}

/** "1280x720". */
export function textOf({ width, height }: VideoSize): string {
  return `${width}x${height}`;
}

/** Length and size as an answer says them; undefined: it says no length. */
export function toldFigures(given: unknown, size: VideoSize | undefined): VideoFigures | undefined {
  const seconds = readSeconds(given);
  if (seconds === undefined) return undefined;
  return { seconds, ...(size === undefined ? {} : { size: textOf(size), resolution: resolutionOf(size) }) };
}

/** Where the vendor may say that something happened, under its name of the field; nothing where it is told no address. */
export function callbackField(name: string, { callbackUrl }: VideoRequest): JsonObject {
  return callbackUrl === "" ? {} : { [name]: callbackUrl };
}
