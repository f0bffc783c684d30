import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noteUnknownFields } from "../../domain/notes.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { Note } from "./format.ts";
import { askedBeside, type ImageRequest } from "./request.ts";

/** What a vendor can be asked in one request. */
export interface ImageLimits {
  /** Most images that are made. Absent: as many as a client may ask for. */
  readonly made?: number;
  /** Most images that are given. 0: it does not edit. */
  readonly given: number;
}

/**
 * Throws invalid_value, by the client's field, for what a vendor without masks cannot be asked. Another channel may be able
 * to.
 */
export function checkLimits({ n, images, mask }: ImageRequest, { made, given }: ImageLimits): void {
  if (made !== undefined && n > made) throw cannot("n", `must be at most ${made} with this model`);
  if (given === 0 && images.length > 0) throw cannot("image", "cannot be sent: this model does not edit images");
  if (images.length > given) throw cannot("image", `may be given at most ${given} times to this model`);
  if (mask !== undefined) throw cannot("mask", "cannot be sent: this model takes none");
}

function cannot(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}

/** The client's other fields that the vendor knows; the rest is noted. */
export function knownFields(request: ImageRequest, known: ReadonlySet<string>, note: Note): JsonObject {
  const asked = askedBeside(request);
  noteUnknownFields(asked, known, note);
  return Object.fromEntries(Object.entries(asked).filter(([name, value]) => known.has(name) && value !== null));
}

/** Notes a quality that the vendor has no word for. */
export function noteQuality({ quality }: ImageRequest, note: Note): void {
  if (quality !== "auto") note("quality dropped: the upstream's format has no such field");
}
