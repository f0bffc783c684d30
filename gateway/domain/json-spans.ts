import { afterBlanks, byteOf, quote, scalarEnd, stringEnd } from "../../shared/json-bytes.ts";

/** Where a value stands in its text. */
export interface Span {
  readonly start: number;
  /** The place behind it. */
  readonly end: number;
}

const openBrace = byteOf("{");
const closeBrace = byteOf("}");
const openBracket = byteOf("[");
const closeBracket = byteOf("]");
const comma = byteOf(",");

/**
 * The values of an object's members, by their names, as they stand in the text: a value that travels on keeps its numbers and its
 * escapes. Of two members with one name the last counts.
 *
 * @param bytes JSON that JSON.parse accepts. @param from where the object begins, or blanks before it.
 */
export function membersOf(bytes: Buffer, from = 0): ReadonlyMap<string, Span> {
  const members = new Map<string, Span>();
  let at = afterBlanks(bytes, from);
  if (bytes[at] !== openBrace) return members;
  at = afterBlanks(bytes, at + 1);
  while (bytes[at] === quote) {
    const nameEnd = stringEnd(bytes, at);
    const name: unknown = JSON.parse(bytes.toString("utf8", at, nameEnd));
    // Behind the name there is a colon.
    const start = afterBlanks(bytes, afterBlanks(bytes, nameEnd) + 1);
    const end = valueEnd(bytes, start);
    members.set(String(name), { start, end });
    at = afterBlanks(bytes, end);
    if (bytes[at] === comma) at = afterBlanks(bytes, at + 1);
  }
  return members;
}

/** The elements of an array, as they stand in the text. @param from where the array begins, or blanks before it. */
export function elementsOf(bytes: Buffer, from = 0): readonly Span[] {
  const elements: Span[] = [];
  let at = afterBlanks(bytes, from);
  if (bytes[at] !== openBracket) return elements;
  at = afterBlanks(bytes, at + 1);
  while (at < bytes.length && bytes[at] !== closeBracket) {
    const end = valueEnd(bytes, at);
    elements.push({ start: at, end });
    at = afterBlanks(bytes, end);
    if (bytes[at] === comma) at = afterBlanks(bytes, at + 1);
  }
  return elements;
}

/** The place behind the value that begins here. */
function valueEnd(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) return stringEnd(bytes, from);
  if (first !== openBrace && first !== openBracket) return Math.max(from + 1, scalarEnd(bytes, from));
  let depth = 0;
  for (let at = from; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === quote) {
      at = stringEnd(bytes, at);
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return bytes.length;
}
