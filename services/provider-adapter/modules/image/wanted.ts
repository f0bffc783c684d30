import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { FetchedMedia } from "../../domain/exchange.ts";
import { addressKind } from "../../wire/address.ts";
import type { JsonObject } from "../../wire/json.ts";
import { dataOf, typeOfData } from "./document.ts";
import type { ImageAnswer, MadeImage, Note } from "./format.ts";
import type { ImageRequest } from "./request.ts";

/**
 * The addresses whose images must be fetched because the client wants data. Throws upstream_error for one that may not be
 * fetched.
 */
export function addressesToFetch({ images }: ImageAnswer, { wants }: ImageRequest): readonly string[] {
  if (wants !== "b64_json") return [];
  return images.flatMap(({ base64, url }) => {
    if (base64 !== undefined || url === undefined || dataOf(url) !== undefined) return [];
    if (addressKind(url, false) === "remote") return [url];
    throw new ThroughlineError("upstream_error", "The upstream gave an image at an address that is none.");
  });
}

/** The images of an answer in the form that the client wants. Those that are so already stay the same. */
export function asWanted(
  { images, head = {} }: Pick<ImageAnswer, "images" | "head">,
  { wants }: ImageRequest,
  fetched: FetchedMedia,
  note: Note,
): readonly MadeImage[] {
  if (wants === undefined) return images;
  const made = images.map((image) => (wants === "url" ? asAddress(image, head, note) : asData(image, fetched)));
  return made.every((image, place) => image === images[place]) ? images : made;
}

/** Nothing is kept here that an address could lead to, so data becomes a data URL: who reads addresses can read it. */
function asAddress(image: MadeImage, head: JsonObject, note: Note): MadeImage {
  if (image.url !== undefined || image.base64 === undefined) return image;
  note("response_format url: the upstream gives data, so the addresses are data URLs");
  return { url: `data:${typeOfData(image.base64, head)};base64,${image.base64}`, rest: image.rest };
}

function asData(image: MadeImage, fetched: FetchedMedia): MadeImage {
  if (image.base64 !== undefined || image.url === undefined) return image;
  const base64 = dataOf(image.url) ?? fetched.get(image.url)?.bytes.toString("base64");
  if (base64 === undefined) throw new ThroughlineError("internal_error", "An image of the answer was not fetched.");
  return { base64, rest: image.rest };
}
