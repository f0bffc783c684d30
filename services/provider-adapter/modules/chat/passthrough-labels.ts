import type { LabelFit } from "../../domain/label-rule.ts";
import { parseExact } from "../../wire/exact-json.ts";
import { quote, skipSpace } from "../../wire/scan-json.ts";
import { createFitNames, type FitNames, type LabelFits } from "./neutral/fit-labels.ts";
import type { Note } from "./neutral/formats.ts";

/** Where the labels of tools and calls stand in a dialect's body. */
export interface LabelPlaces {
  /** Names of fields that hold names of tools; others may be called so, too. */
  readonly names: readonly string[];
  /** Names of fields that hold IDs of calls. A result names its call, so the fields of results are enough. */
  readonly callIds: readonly string[];
  /** The fields of the body that hold labels, and each of them with its labels fitted. */
  readonly fields: Readonly<Record<string, (value: unknown, fit: FitOne) => unknown>>;
}

/** Makes one label fit. */
export interface FitOne {
  name(label: string): string;
  callId(label: string): string;
}

/** What fitting the labels of a body that is passed through comes to. */
export interface FittedLabels {
  /** The fields that change, as JSON texts. */
  readonly patch: Readonly<Record<string, string>>;
  /** The client's name of a tool that the vendor calls so. */
  clientsName(name: string): string;
  /** The JSON text of an answer, or of an event, with the client's names in it; the same text where none was changed. */
  restore(json: string): string;
  areChanged(): boolean;
}

const none: FittedLabels = { patch: {}, clientsName: (name) => name, restore: (json) => json, areChanged: () => false };

/** No name of a tool and no ID of a call is searched for where none of these stands in a body. */
const anyTool = Buffer.from('"tool');

/**
 * Makes the labels of a body fit its vendor. It is parsed only where a search finds a label that may not fit.
 *
 * @param given the text of a field as it would be sent.
 */
export function fitLabels(
  body: Uint8Array,
  { names, callIds, fields }: LabelPlaces,
  fits: LabelFits,
  given: (field: string) => string | undefined,
  note: Note,
): FittedLabels {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if ((fits.names.takesAll && fits.callIds.takesAll) || !bytes.includes(anyTool)) return none;
  if (!mayNotFit(bytes, names, fits.names) && !mayNotFit(bytes, callIds, fits.callIds)) return none;
  const fitNames = createFitNames(fits.names);
  const fit: FitOne = { name: fitNames.fitted, callId: fits.callIds.fitted };
  const patch: Record<string, string> = {};
  for (const [field, fitted] of Object.entries(fields)) {
    const text = given(field);
    if (text === undefined) continue;
    const value = parseExact(text);
    const fitting = JSON.stringify(fitted(value, fit));
    if (fitting !== JSON.stringify(value)) patch[field] = fitting;
  }
  fitNames.tell(note);
  return {
    patch,
    clientsName: fitNames.clientsName,
    areChanged: fitNames.areChanged,
    restore: restorer(fitNames),
  };
}

/** Texts of a JSON document that stand in quotes, none of them behind a backslash, are whole strings. */
const shortText = /"([a-zA-Z0-9_.:-]{1,128})"/g;

function restorer(names: FitNames): (json: string) => string {
  if (!names.areChanged()) return (json) => json;
  return (json) =>
    json.replace(shortText, (text, name: string) => {
      const own = names.clientsName(name);
      return own === name ? text : JSON.stringify(own);
    });
}

/** Labels are short; what is longer is parsed before it is judged. */
const longestLabel = 1_024;
const colon = 0x3a;
const backslash = 0x5c;

/** Whether a text under one of these names may not fit. */
function mayNotFit(bytes: Buffer, names: readonly string[], fit: LabelFit): boolean {
  if (fit.takesAll) return false;
  return names.some((name) => {
    const mark = Buffer.from(`"${name}"`);
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) {
      const text = textAt(bytes, at + mark.length);
      if (text !== undefined && (text.includes("\\") || !fit.fits(text))) return true;
    }
    return false;
  });
}

/** The text behind a name; undefined: there is no text. */
function textAt(bytes: Buffer, from: number): string | undefined {
  let at = skipSpace(bytes, from);
  if (bytes[at] !== colon) return undefined;
  at = skipSpace(bytes, at + 1);
  if (bytes[at] !== quote) return undefined;
  const start = at + 1;
  let end = start;
  while (end < bytes.length && bytes[end] !== quote && end - start < longestLabel) {
    end += bytes[end] === backslash ? 2 : 1;
  }
  return bytes.toString("latin1", start, end);
}
