import { parseJson } from "./json.ts";
import { comma, quote, skipSpace, skipString } from "./scan-json.ts";

/**
 * A list of numbers, or a text of base64, that was left out of a parsed JSON document: 2,048 vectors are 33 MB of text that
 * nobody needs to have as values.
 */
export interface LiftedValue {
  readonly kind: "numbers" | "base64";
  /** As it stands in the document: with its brackets; without its quotes. */
  readonly bytes: Buffer;
  /** Numbers of the list; 0 for a text. */
  readonly count: number;
}

/** A JSON document without its long values. */
export interface LiftedJson {
  /** The document; `liftedIn` tells what stood where. */
  readonly value: unknown;
  readonly lifted: readonly LiftedValue[];
}

const openBracket = 0x5b;
const closeBracket = 0x5d;
const minus = 0x2d;
const plus = 0x2b;
const dot = 0x2e;
const zero = 0x30;
const upperE = 0x45;
const lowerE = 0x65;

/** Shorter texts stay in the document. */
const minTextBytes = 64;
/** A number of so many digits before its point, or of an exponent above 0, may be none that a float32 holds. */
const safeDigits = 38;

/**
 * Reads a JSON document and leaves its lists of numbers and its long texts of base64 where they are. Undefined where it is
 * not valid JSON, or where a list has something else than numbers that a float32 can hold.
 */
export function liftValues(body: Buffer): LiftedJson | undefined {
  const lifted: LiftedValue[] = [];
  const rest: string[] = [];
  let copied = 0;
  let at = 0;
  while (at < body.length) {
    const byte = body[at];
    if (byte === quote) {
      const end = skipString(body, at);
      if (end - at > minTextBytes && isBase64Like(body, at + 1)) {
        rest.push(body.toString("utf8", copied, at), `[${lifted.length}]`);
        lifted.push({ kind: "base64", bytes: body.subarray(at + 1, end - 1), count: 0 });
        copied = end;
      }
      at = end;
    } else if (byte === openBracket && isNumberStart(body[skipSpace(body, at + 1)])) {
      const list = scanNumbers(body, at);
      if (list === undefined) return undefined;
      rest.push(body.toString("utf8", copied, at), `[${lifted.length}]`);
      lifted.push({ kind: "numbers", bytes: body.subarray(at, list.end), count: list.count });
      copied = list.end;
      at = list.end;
    } else {
      at++;
    }
  }
  rest.push(body.toString("utf8", copied));
  const value = parseJson(rest.join(""));
  return value === undefined ? undefined : { value, lifted };
}

/** What was lifted from the place of a value; undefined: nothing, the value is itself. */
export function liftedIn({ lifted }: LiftedJson, value: unknown): LiftedValue | undefined {
  // Every list that begins with a number was lifted, so that such a one can only be our mark.
  const mark: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof mark === "number" ? lifted[mark] : undefined;
}

function isNumberStart(byte: number | undefined): boolean {
  return byte === minus || isDigit(byte);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9;
}

/** Whether a text begins as base64 does: others have a space, a comma or a letter beyond ASCII among so many bytes. */
function isBase64Like(bytes: Buffer, from: number): boolean {
  return /^[A-Za-z0-9+/_\\-]+$/.test(bytes.toString("latin1", from, from + minTextBytes - 2));
}

/** The list of numbers that begins at `from`; undefined: it is none. */
function scanNumbers(bytes: Buffer, from: number): { readonly end: number; readonly count: number } | undefined {
  let at = from;
  let count = 0;
  do {
    at = skipNumber(bytes, skipSpace(bytes, at + 1));
    if (at < 0) return undefined;
    count++;
    at = skipSpace(bytes, at);
  } while (bytes[at] === comma);
  return bytes[at] === closeBracket ? { end: at + 1, count } : undefined;
}

/** Where the number at `from` ends, by JSON's grammar; -1: there is none, or none that a float32 can hold. */
function skipNumber(bytes: Buffer, from: number): number {
  const start = bytes[from] === minus ? from + 1 : from;
  let at = skipDigits(bytes, start);
  if (at === start || (bytes[start] === zero && at > start + 1)) return -1;
  let isSure = at - start <= safeDigits;
  if (bytes[at] === dot) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction);
    if (at === fraction) return -1;
  }
  if (bytes[at] === lowerE || bytes[at] === upperE) {
    const signed = bytes[at + 1] === minus || bytes[at + 1] === plus;
    isSure &&= bytes[at + 1] === minus;
    const exponent = at + (signed ? 2 : 1);
    at = skipDigits(bytes, exponent);
    if (at === exponent) return -1;
  }
  if (isSure) return at;
  return Number.isFinite(Math.fround(Number(bytes.toString("latin1", from, at)))) ? at : -1;
}

function skipDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at++;
  return at;
}
