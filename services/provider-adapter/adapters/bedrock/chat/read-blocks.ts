import type { Citation } from "../../../modules/chat/neutral/answer.ts";
import type { Signature } from "../../../modules/chat/neutral/signature.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";

/** A source; empty for one that has no address (a place in a document of the request). */
export function readCitation(citation: JsonObject): Citation[] {
  const url = asString(asObject(asObject(citation.location)?.web)?.url);
  if (url === undefined) return [];
  return [{ url, title: asString(citation.title) ?? "" }];
}

/** What a block of thinking is signed with; undefined: nothing. */
export function signatureIn(value: unknown, origin: string): Signature | undefined {
  const text = asString(value);
  return text ? { origin, value: text } : undefined;
}

/** An image of an answer. Undefined: it is none that is here. */
export function readImage(image: JsonObject | undefined): { mediaType: string; data: string } | undefined {
  const data = asString(asObject(image?.source)?.bytes);
  return data ? { mediaType: `image/${asString(image?.format) ?? "png"}`, data } : undefined;
}
