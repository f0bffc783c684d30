import { asObject, type JsonObject } from "../wire/json.ts";
import type { JsonPath } from "./splice.ts";

/** What is fetched from an address; "nothing": it stands where only data may be sent. */
export type Medium = "image" | "document" | "nothing";

/** A text of a request that an upstream takes as the address of a medium, or as its data. */
export interface Carried {
  readonly text: string;
  /** True: bare base64 may stand here as well. */
  readonly orBase64: boolean;
  readonly medium: Medium;
  /** Where it stands; errors name it. */
  readonly at: JsonPath;
  /** Where what was fetched goes instead. */
  readonly place: JsonPath;
  /** The JSON text that goes there. */
  write(mediaType: string, base64: string): string;
}

/** A place in a body, by its parent: most places are never named, so no path is written for them. */
interface Place {
  readonly parent: Place | undefined;
  readonly step: string | number;
}

/** The fields of a body that hold parts. What is a tool's schema or input holds none, whatever it is called there. */
const roots: readonly string[] = ["messages", "system", "input", "tools", "input_reference", "input_references"];
/** The fields of a part, or of what holds parts, in which further parts may stand. */
const inner: readonly string[] = ["content", "output", "source", "input_image_mask"];

/**
 * All texts of a body that are addresses of media or stand for them, in any dialect: whatever the type of a part, these
 * fields are what an upstream would fetch.
 */
export function findCarried(body: unknown): Carried[] {
  const found: Carried[] = [];
  const stack: [unknown, Place][] = [];
  const reference = asObject(body)?.input_reference;
  if (typeof reference === "string") found.push(addressed(reference, "image", ["input_reference"]));
  for (const step of roots) stack.push([asObject(body)?.[step], { parent: undefined, step }]);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [value, place] = next;
    if (Array.isArray(value)) {
      // The last first: a stack turns them round.
      for (let step = value.length - 1; step >= 0; step--) stack.push([value[step], { parent: place, step }]);
      continue;
    }
    const part = asObject(value);
    if (part === undefined) continue;
    for (const step of inner) if (part[step] !== undefined) stack.push([part[step], { parent: place, step }]);
    carriedBy(part, place, found);
  }
  return found;
}

function pathOf(place: Place, ...steps: readonly string[]): JsonPath {
  const path: (string | number)[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) path.push(at.step);
  return [...path.reverse(), ...steps];
}

function carriedBy(part: JsonObject, place: Place, found: Carried[]): void {
  for (const [field, medium] of urlFields) {
    const given = part[field];
    if (typeof given === "string") found.push(addressed(given, medium, pathOf(place, field)));
    const url = asObject(given)?.url;
    if (typeof url === "string") found.push(addressed(url, medium, pathOf(place, field, "url")));
  }
  if (typeof part.file_url === "string") found.push(fileAt(part, part.file_url, place));
  const source = asObject(part.source);
  if (typeof source?.url === "string") found.push(sourceAt(part, source, source.url, place));
  for (const [text, path] of [
    [part.file_data, ["file_data"]],
    [asObject(part.file)?.file_data, ["file", "file_data"]],
    [asObject(part.file)?.file_url, ["file", "file_url"]],
    [asObject(part.input_audio)?.data, ["input_audio", "data"]],
    [source?.type === "base64" ? source.data : undefined, ["source", "data"]],
  ] as const) {
    if (typeof text !== "string") continue;
    found.push({ ...addressed(text, "nothing", pathOf(place, ...path)), orBase64: true });
  }
}

/** Fields that are an address or an object with one. */
const urlFields: readonly (readonly [string, Medium])[] = [
  ["image_url", "image"],
  ["video_url", "nothing"],
  ["audio_url", "nothing"],
];

/** An address that a data URL can take the place of. */
function addressed(text: string, medium: Medium, at: JsonPath): Carried {
  const write = (mediaType: string, base64: string) => `"data:${mediaType};base64,${base64}"`;
  return { text, orBase64: false, medium, at, place: at, write };
}

/** A file of responses: its data goes under another name. */
function fileAt(part: JsonObject, text: string, place: Place): Carried {
  const { file_url: _url, ...rest } = part;
  const write = (mediaType: string, base64: string) =>
    JSON.stringify({ filename: "document.pdf", ...rest, file_data: `data:${mediaType};base64,${base64}` });
  const at = pathOf(place, "file_url");
  return { text, orBase64: false, medium: "document", at, place: pathOf(place), write };
}

/** A source of messages: its kind changes. */
function sourceAt(part: JsonObject, source: JsonObject, text: string, place: Place): Carried {
  const { type: _type, url: _url, ...rest } = source;
  const write = (media_type: string, data: string) => JSON.stringify({ ...rest, type: "base64", media_type, data });
  const medium = part.type === "image" ? "image" : part.type === "document" ? "document" : "nothing";
  const at = pathOf(place, "source", "url");
  return { text, orBase64: false, medium, at, place: pathOf(place, "source"), write };
}
