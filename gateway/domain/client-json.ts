import { isUtf8 } from "node:buffer";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { faultsOf, type JsonBounds, jsonBounds } from "./json-names.ts";

/** A text that is read. */
export interface ClientJson {
  readonly value: unknown;
  /** The path of the first name that its object has twice; undefined: there is none. */
  readonly twice: string | undefined;
}

/**
 * Reads JSON that a client sent.
 *
 * @param subject what an error calls it, e.g. "The request body" or "Line 7".
 * @param param what an error says is wrong; undefined: no parameter.
 * @throws ThroughlineError invalid_value: no UTF-8, no JSON, or JSON that would take others' time or memory to read.
 */
export function readClientJson(bytes: Buffer, subject: string, param?: string): ClientJson {
  const refused = (message: string, cause?: unknown) =>
    new ThroughlineError("invalid_value", `${subject} ${message}`, { param, cause });
  // Bytes that are not UTF-8 would be read as one text here and go upstream as another.
  if (!isUtf8(bytes)) throw refused("is not valid UTF-8.");
  const text = bytes.toString();
  const { heavy, twice } = faultsOf(text);
  if (heavy !== undefined) throw refused(tooHeavy[heavy]);
  try {
    return { value: JSON.parse(text) as unknown, twice };
  } catch (cause) {
    throw refused(text === "" ? "is empty." : "is not valid JSON.", cause);
  }
}

/** The error of a body in which the name at this path stands twice. */
export function givenTwice(path: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${path || "An empty name"} is given twice.`, { param: path });
}

/** What an error says, after the name of a text, of what it has too many of. */
export const tooHeavy: Readonly<Record<keyof JsonBounds, string>> = {
  shapes: `has more than ${jsonBounds.shapes} names of fields, or orders of names, that differ.`,
  parts: `has more than ${jsonBounds.parts} objects and lists.`,
};
