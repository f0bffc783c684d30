import { ThroughlineError } from "../../shared/errors/error.ts";

/** Finds the elements of a list while its text comes. */
export interface ElementFinder {
  /** Takes the next bytes; gives the elements that have ended, as they stand in the text. Throws invalid_value for what is no JSON. */
  push(bytes: Uint8Array): Buffer[];
  /** The text has ended. False: the object has no such list. Throws where the text is not whole. */
  end(): boolean;
}

/** Where the text stands: what may come next. */
type Place =
  | "start"
  | "name"
  | "next name"
  | "colon"
  | "value"
  | "list"
  | "next element"
  | "after element"
  | "after"
  | "end";

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const mark = [0xef, 0xbb, 0xbf];
/** Longest value beside the list. */
const maxOtherBytes = 64 * 1024;

/**
 * Begins to read a JSON object for the elements of one list in it: an element and a piece are in memory, never the whole. Other members
 * are read and left out; what they hold is checked.
 *
 * @param maxBytes longest element. @param tooLong makes the error of one that is longer, by its place in the list.
 */
export function findElements(name: string, maxBytes: number, tooLong: (index: number) => Error): ElementFinder {
  let place: Place = "start";
  let key = "";
  let found = false;
  let count = 0;
  let position = 0;
  // The value that is being collected: its parts so far, and where in it the text stands.
  let collecting = false;
  let parts: Buffer[] = [];
  let held = 0;
  let depth = 0;
  let inText = false;
  let escaped = false;

  /** The place behind the value that is collected, or the end of the bytes: it goes on in the next. */
  function collect(bytes: Buffer, from: number): { readonly at: number; readonly isWhole: boolean } {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inText = false;
          if (depth === 0) return { at: at + 1, isWhole: true };
        }
      } else if (byte === quote) {
        if (depth === 0 && held + at > from) throw broken();
        inText = true;
      } else if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) {
        if (depth === 0) return { at, isWhole: true };
        depth -= 1;
        if (depth === 0) return { at: at + 1, isWhole: true };
      } else if (depth === 0 && (byte === comma || isBlank(byte))) return { at, isWhole: true };
    }
    return { at: bytes.length, isWhole: false };
  }

  function taken(): Buffer {
    const value = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    [parts, held, collecting] = [[], 0, false];
    return value;
  }

  /** A value has ended. */
  function ended(elements: Buffer[]): void {
    const value = taken();
    if (place === "name" || place === "next name") {
      const parsed = parse(value);
      if (typeof parsed !== "string") throw broken();
      [key, place] = [parsed, "colon"];
    } else if (place === "value") {
      parse(value);
      place = "after";
    } else {
      elements.push(value);
      count += 1;
      place = "after element";
    }
  }

  /** Takes a byte between values. False: a value begins here. */
  function between(byte: number | undefined): boolean {
    const is = (wanted: number): boolean => byte === wanted;
    if (place === "start" && is(openBrace)) place = "name";
    else if (place === "name" && is(closeBrace)) place = "end";
    else if (place === "colon" && is(colon)) place = "value";
    else if (place === "after" && is(comma)) place = "next name";
    else if (place === "after" && is(closeBrace)) place = "end";
    else if (place === "after element" && is(comma)) place = "next element";
    else if (place === "after element" && is(closeBracket)) place = "after";
    else if (place === "list" && is(closeBracket)) place = "after";
    else if (place === "value" && key === name) {
      if (found) throw twice(name);
      // A value that is not a list is refused in the words that the schema uses.
      if (!is(openBracket)) throw new ThroughlineError("invalid_value", `${name} must be an array.`, { param: name });
      [found, place] = [true, "list"];
    } else if (["name", "next name"].includes(place) && is(quote)) return false;
    else if (["value", "list", "next element"].includes(place)) return false;
    else throw broken();
    return true;
  }

  return {
    push(given) {
      const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
      const elements: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        if (!collecting) {
          const byte = bytes[at];
          const isMark = position + at < mark.length && place === "start" && byte === mark[position + at];
          if (isMark || isBlank(byte) || between(byte)) {
            at += 1;
            continue;
          }
          [collecting, depth, inText, escaped] = [true, 0, false, false];
        }
        const { at: to, isWhole } = collect(bytes, at);
        // The rest of a piece is copied, because a few bytes would otherwise keep the whole piece in memory.
        if (to > at)
          parts.push(isWhole && parts.length === 0 ? bytes.subarray(at, to) : Buffer.from(bytes.subarray(at, to)));
        else if (held === 0) throw broken();
        held += to - at;
        at = to;
        const isElement = place === "list" || place === "next element";
        if (held > (isElement ? maxBytes : maxOtherBytes)) throw isElement ? tooLong(count) : broken();
        if (isWhole) ended(elements);
      }
      position += bytes.length;
      return elements;
    },
    end() {
      if (place !== "end") throw broken(position === 0 ? "is empty" : "is not valid JSON");
      return found;
    },
  };
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    throw broken();
  }
}

function broken(what = "is not valid JSON"): ThroughlineError {
  return new ThroughlineError("invalid_value", `The request body ${what}.`);
}

function twice(name: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${name} is given twice.`, { param: name });
}
