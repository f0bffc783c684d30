import { textEnd } from "./json-text.ts";

/*
 * V8 makes a hidden class for each name that follows other names in an object, and a text of its own for each new name. So
 * JSON.parse takes 3 us for a name that is new where it stands, in place of 0.1 us: 4.3 MB of objects whose names differ took
 * 1.3 s of CPU, in which nobody else is served, and 4 MB whose names repeat took 0.05 s. And an empty object or list of two
 * bytes takes 32 to 64 in memory: six bodies of 15 MB that are full of them ended a process whose heap may have 512 MB.
 */

/** What one body may have. */
export interface JsonBounds {
  /** Ways in which its names may follow each other. Tools with 20,000 properties between them are within it. */
  readonly shapes: number;
  /** Objects and lists. A context of a million tokens whose messages have five tokens each is within it. */
  readonly parts: number;
}

export const jsonBounds: JsonBounds = { shapes: 20_000, parts: 200_000 };

/** Names of an object beyond these always count: V8 keeps larger objects as tables, which take 2 us a name however often they come. */
const mostAlike = 500;

/** The shortest text of a way in which names follow each other: a quoted letter, a colon, a digit and a comma; and that of a list. */
const shortestShapeBytes = 6;
const shortestPartBytes = 3;

/** Names that follow the same names, from the first one of their objects on. */
interface Shape {
  /** How many names these are. */
  readonly names: number;
  next?: Map<string, Shape>;
}

const quote = 0x22;
const colon = 0x3a;
const openBracket = 0x5b;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * What a text has more of than `bounds` allow; undefined: nothing. Of shapes each name counts that has not followed the same names
 * within its object before: an object of 100 names counts 100, and a million objects with the same names in the same order no more.
 * Of an object with more than 500 names the further ones count each time.
 *
 * Its time grows with the length of the text and with nothing else.
 *
 * @param text a text that may be JSON; of other texts the answer says nothing.
 */
export function heavyIn(text: string, bounds: JsonBounds = jsonBounds): keyof JsonBounds | undefined {
  if (text.length < Math.min(bounds.shapes * shortestShapeBytes, bounds.parts * shortestPartBytes)) return undefined;
  const first: Shape = { names: 0 };
  /** The names so far of the objects that are open, the innermost one last. */
  const open: Shape[] = [];
  let shapes = 0;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === openBrace || code === openBracket) {
      if (++parts > bounds.parts) return "parts";
      if (code === openBrace) open.push(first);
    } else if (code === closeBrace) {
      open.pop();
    } else if (code === quote) {
      const end = textEnd(text, at);
      const shape = open.at(-1);
      if (shape !== undefined && isName(text, end)) {
        const name = text.slice(at + 1, end);
        shape.next ??= new Map();
        let next = shape.next.get(name);
        if ((next === undefined || next.names > mostAlike) && ++shapes > bounds.shapes) return "shapes";
        if (next === undefined) {
          next = { names: shape.names + 1 };
          shape.next.set(name, next);
        }
        open[open.length - 1] = next;
      }
      at = end;
    }
  }
  return undefined;
}

/** Whether a colon follows the string that ends at `end`. */
function isName(text: string, end: number): boolean {
  let at = end + 1;
  // All white space of JSON, and nothing else that it takes outside of strings, is at or below 0x20.
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === colon;
}
