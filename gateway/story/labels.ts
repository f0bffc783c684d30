import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ThroughlineError } from "../../shared/errors/error.ts";

/** What a client says of a request beside its work, for its own books. None of it goes to an upstream but what its body says. */
export interface Labels {
  /** The end user for whom it asks; empty: not said. */
  readonly endUser: string;
  /** Without repeats, in the client's order. */
  readonly tags: readonly string[];
  /** A JSON object; empty: none. */
  readonly metadataJson: string;
}

/** The header with the tags of a request. */
export const tagsHeader = "x-throughline-tags";

/** Longest name of an end user that is kept as it is, in characters. */
export const maxUserLength = 256;
const maxTags = 10;
const maxTagLength = 64;
const maxMetadataBytes = 16 * 1024;
/** `key`, or `key=value`. */
const tagForm = /^[A-Za-z0-9._:/-]+(?:=[A-Za-z0-9._:/-]+)?$/;
const none: readonly string[] = [];

/** The labels of a request that says nothing. */
export const noLabels: Labels = { endUser: "", tags: none, metadataJson: "" };

/** What the body of a request may say of it, in the words of the APIs. A form has the same names. */
export interface Said {
  readonly user?: unknown;
  readonly safety_identifier?: unknown;
  readonly metadata?: unknown;
  /** The name of metadata in Gemini's API. */
  readonly labels?: unknown;
}

/**
 * Reads the labels of a request from its headers and its body. `user` counts before `safety_identifier`, and that before
 * `metadata.user_id`. Throws invalid_value for tags that are none.
 */
export function labelsOf(headers: IncomingHttpHeaders, body: Said): Labels {
  const metadata = body.metadata ?? body.labels;
  const endUser = userOf(body.user) || userOf(body.safety_identifier) || userOf(userIn(metadata));
  return { endUser, tags: tagsOf(headers[tagsHeader]), metadataJson: metadataJson(metadata) };
}

/** The tags of the header. Throws invalid_value where it is not a list of them. */
export function tagsOf(header: string | string[] | undefined): readonly string[] {
  if (header === undefined) return none;
  const text = typeof header === "string" ? header : header.join(",");
  // Longer ones are not taken apart.
  if (text.length > maxTags * (maxTagLength + 8)) throw badTags(`must have at most ${maxTags} tags`);
  const tags = new Set<string>();
  for (const part of text.split(",")) {
    const tag = part.trim();
    if (tag === "") continue;
    if (tag.length > maxTagLength) throw badTags(`has a tag of more than ${maxTagLength} characters`);
    if (!tagForm.test(tag)) throw badTags("must be a list of tags, key or key=value, of letters, digits and . _ : / -");
    tags.add(tag);
  }
  if (tags.size > maxTags) throw badTags(`must have at most ${maxTags} tags`);
  return [...tags];
}

function badTags(what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${tagsHeader} ${what}.`, { param: tagsHeader });
}

/** Names of users have no control characters: PostgreSQL takes no NUL, and pages show them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are replaced.
const controls = /[\u0000-\u001f\u007f]/g;

/** A user's name as it is kept. A longer one is cut, and its digest keeps it apart from others that begin alike. */
function userOf(said: unknown): string {
  if (typeof said !== "string" || said === "") return "";
  if (said.length > maxUserLength) {
    const digest = createHash("sha256").update(said).digest("hex").slice(0, 32);
    return `${cleaned(said.slice(0, maxUserLength - 40))}...${digest}`;
  }
  return cleaned(said);
}

function cleaned(text: string): string {
  return text.toWellFormed().replace(controls, "\ufffd").trim();
}

function userIn(metadata: unknown): unknown {
  return typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "user_id") : undefined;
}

function metadataJson(metadata: unknown): string {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return "";
  const text = JSON.stringify(metadata);
  if (text === "{}") return "";
  const bytes = Buffer.byteLength(text);
  return bytes <= maxMetadataBytes ? text : JSON.stringify({ omitted_bytes: bytes });
}
