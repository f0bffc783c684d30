import type { UpstreamMessage } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Note } from "../../../modules/image/format.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import { readImageCounts } from "../../../modules/image/usage.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { writeMultipart } from "../../../wire/multipart.ts";
import { fieldText, patchJson } from "../../../wire/patch-json.ts";
import { pathSegment } from "../../../wire/path-segment.ts";
import { type ImagePlace, type ImageShape, listedImages, taskPaths } from "./shape.ts";

/** OpenAI, Azure and all who speak as they do: what the client sent goes on but for the model's name, and the answer as it is. */
export const openaiImages: ImageShape = (flavour, place) => ({
  streams: true,
  inBandError: flavour.streamError,
  write(request, upstreamModel, note) {
    const at = placed(place, flavour, upstreamModel, request);
    return request.form === undefined
      ? { ...at, headers: {}, body: bodyOf(request, upstreamModel, flavour, note) }
      : { ...at, headers: {}, ...formOf(request.form, upstreamModel, flavour, note) };
  },
  read: readOpenaiImages,
});

/** Reads an answer in OpenAI's shape. */
export function readOpenaiImages(answer: JsonObject, request: Pick<ImageRequest, "size" | "quality">) {
  const { data, ...head } = answer;
  return {
    images: listedImages(data),
    head,
    size: asString(answer.size) ?? request.size,
    quality: asString(answer.quality) ?? request.quality,
    counts: readImageCounts(asObject(answer.usage), asObject(answer.svg_usage)),
  };
}

function placed({ path, base }: ImagePlace, flavour: OpenaiFlavour, model: string, { task }: ImageRequest) {
  const own = path.replaceAll("{model}", pathSegment(model)).replaceAll("{task}", taskPaths[task]);
  return {
    path: own === "" ? endpointPath(flavour, model, `images/${taskPaths[task]}`) : own,
    ...(base === undefined ? {} : { base }),
  };
}

function bodyOf({ body }: ImageRequest, model: string, { dropFields }: OpenaiFlavour, note: Note): Uint8Array {
  const patch: Record<string, string | undefined> = { model: JSON.stringify(model) };
  for (const field of dropFields) {
    if (fieldText(body, field) === undefined) continue;
    patch[field] = undefined;
    noteDropped(field, note);
  }
  return patchJson(body, patch);
}

const noBytes = new Uint8Array();

/** The client's parts in their order. */
function formOf(
  { parts, read }: NonNullable<ImageRequest["form"]>,
  model: string,
  { dropFields }: OpenaiFlavour,
  note: Note,
): Pick<UpstreamMessage, "contentType" | "body" | "source"> {
  const kept = parts.filter(({ name, file }) => {
    const dropped = file === undefined && dropFields.includes(name);
    if (dropped) noteDropped(name, note);
    return !dropped;
  });
  const written = kept.map((part) =>
    part.name === "model" && part.file === undefined ? { ...part, value: model } : part,
  );
  const { contentType, source } = writeMultipart(written, read);
  return { contentType, body: noBytes, source };
}

/** How images come back is seen to here, whether or not the vendor takes the field. */
function noteDropped(field: string, note: Note): void {
  if (field !== "response_format") note(`${field} dropped: the vendor does not take it`);
}
