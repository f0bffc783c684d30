import { noteUnknownFields } from "../../domain/notes.ts";
import { asArray, asObject, type JsonObject } from "../../wire/json.ts";
import type { Note } from "./neutral/formats.ts";

/**
 * Fields that a dialect reads inside of its body, by the place of their object: `tools[].function`, `reasoning`. Where objects
 * of several types stand in one place, by their type; one whose type is not listed is another's affair.
 */
export type InnerFields = Readonly<Record<string, readonly string[] | Readonly<Record<string, readonly string[]>>>>;

/**
 * Notes what stands inside of a body and goes no further. Places bear no numbers: what is dropped of fifty tools is told once.
 *
 * @param body the body of a request that is translated.
 */
export function noteUnknownInside(body: JsonObject, fields: InnerFields, note: Note): void {
  for (const [place, read] of Object.entries(fields)) {
    const inside: Note = (text) => note(`${place}.${text}`);
    for (const object of objectsAt(body, place.split("."))) {
      const known = isList(read) ? read : read[typeof object.type === "string" ? object.type : ""];
      if (known !== undefined) noteUnknownFields(object, new Set(known), inside);
    }
  }
}

function isList(read: InnerFields[string]): read is readonly string[] {
  return Array.isArray(read);
}

/** The objects at a place. A name that ends in [] is that of a list. */
function objectsAt(object: JsonObject, [name = "", ...rest]: readonly string[]): JsonObject[] {
  const values = name.endsWith("[]") ? asArray(object[name.slice(0, -2)]) : [object[name]];
  const found = values.map(asObject).filter((value) => value !== undefined);
  return rest.length === 0 ? found : found.flatMap((inner) => objectsAt(inner, rest));
}
