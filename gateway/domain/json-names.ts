import { textEnd } from "./json-text.ts";

/*
 * Two parsers, one body. JSON.parse takes the last of two equal names, other parsers take the first, and the body goes
 * upstream as it came: what was priced, limited and routed by must be what the upstream reads. So no object of a body
 * may have a name twice, however it is spelt (RFC 7493, section 2.3).
 *
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

/** What a text has that it must not have. */
export interface JsonFaults {
  /** What it has more of than the bounds allow; undefined: nothing. */
  readonly heavy: keyof JsonBounds | undefined;
  /** The path of the first name that its object has already, e.g. "messages[2].content"; undefined: there is none. */
  readonly twice: string | undefined;
}

/** Names of an object beyond these always count: V8 keeps larger objects as tables, which take 2 us a name however often they come. */
const mostAlike = 500;
/** So many names of an object are compared one by one, more are looked up. */
const mostCompared = 8;
/** Longest path that an error tells, and longest part of it: names are the client's. */
const maxPathLength = 256;
const maxNameLength = 64;

/** Names that follow the same names, from the first one of their objects on. */
interface Shape {
  /** The last of these names, and the shape without it. The shape without names has neither. */
  readonly name: string;
  readonly before: Shape | undefined;
  /** How many names these are. */
  readonly names: number;
  /** The shape with one more name that came first, and those that came later. */
  first: Shape | undefined;
  others: Map<string, Shape> | undefined;
}

/** An object that is open. */
interface OpenObject {
  shape: Shape;
  /** Its names, where they are many and have to be looked up. */
  names: Set<string> | undefined;
}

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Looks for faults in the names of a text, in time that grows with the length of the text and with nothing else; values are not looked into.
 *
 * A name counts as a shape where it has not followed the same names within its object before: an object of 100 names counts 100, and a
 * million objects with the same names in the same order no more. The names of an object beyond its 500th count each time.
 *
 * @param text a text that may be JSON; of other texts the answer says nothing.
 */
export function faultsOf(text: string, bounds: JsonBounds = jsonBounds): JsonFaults {
  const root = shapeAfter(undefined, "");
  /** The objects that are open; of a list: undefined. */
  const open: (OpenObject | undefined)[] = [];
  let object: OpenObject | undefined;
  let isNameNext = false;
  let twiceAt: number | undefined;
  let shapes = 0;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = textEnd(text, at);
      if (isNameNext && object !== undefined) {
        isNameNext = false;
        const name = stringAt(text, at, end);
        const { shape } = object;
        const known = shape.first?.name === name ? shape.first : shape.others?.get(name);
        if ((known === undefined || known.names > mostAlike) && ++shapes > bounds.shapes)
          return { heavy: "shapes", twice: undefined };
        // A name that stood behind the same names before is none of them.
        if (known === undefined && hasName(object, name)) twiceAt ??= at;
        object.names?.add(name);
        object.shape = known ?? shapeAfter(shape, name);
      }
      at = end;
    } else if (code === comma) {
      isNameNext = object !== undefined;
    } else if (code === openBrace || code === openBracket) {
      if (++parts > bounds.parts) return { heavy: "parts", twice: undefined };
      isNameNext = code === openBrace;
      object = isNameNext ? { shape: root, names: undefined } : undefined;
      open.push(object);
    } else if (code === closeBrace || code === closeBracket) {
      open.pop();
      object = open.at(-1);
      isNameNext = false;
    }
  }
  return { heavy: undefined, twice: twiceAt === undefined ? undefined : pathTo(text, twiceAt) };
}

/** The shape with one more name, which it has not had. */
function shapeAfter(before: Shape | undefined, name: string): Shape {
  const shape: Shape = {
    name,
    before,
    names: before === undefined ? 0 : before.names + 1,
    first: undefined,
    others: undefined,
  };
  if (before === undefined) return shape;
  if (before.first === undefined) {
    before.first = shape;
  } else {
    before.others ??= new Map();
    before.others.set(name, shape);
  }
  return shape;
}

function hasName(object: OpenObject, name: string): boolean {
  if (object.names !== undefined) return object.names.has(name);
  const { shape } = object;
  if (shape.names > mostCompared) object.names = new Set(namesOf(shape));
  return object.names === undefined ? namesOf(shape).includes(name) : object.names.has(name);
}

function namesOf(shape: Shape): string[] {
  const names: string[] = [];
  for (let { name, before } = shape; before !== undefined; { name, before } = before) names.push(name);
  return names;
}

/** The path of the name that begins at `target`: the text is read once more, which only a refusal costs. */
function pathTo(text: string, target: number): string {
  const steps: (string | number)[] = [];
  let isNameNext = false;
  for (let at = 0; at <= target; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = textEnd(text, at);
      if (isNameNext) steps[steps.length - 1] = stringAt(text, at, end);
      isNameNext = false;
      at = end;
    } else if (code === comma) {
      const step = steps.at(-1);
      if (typeof step === "number") steps[steps.length - 1] = step + 1;
      else isNameNext = true;
    } else if (code === openBrace || code === openBracket) {
      isNameNext = code === openBrace;
      steps.push(code === openBrace ? "" : 0);
    } else if (code === closeBrace || code === closeBracket) {
      steps.pop();
      isNameNext = false;
    }
  }
  let path = "";
  for (const step of steps) {
    if (path.length > maxPathLength) return `${path.slice(0, maxPathLength)}...`;
    const name = typeof step === "number" ? "" : step.slice(0, maxNameLength);
    path += typeof step === "number" ? `[${step}]` : path === "" ? name : `.${name}`;
  }
  return path;
}

/** What a string says whose quotes are at these places. */
function stringAt(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  if (!raw.includes("\\")) return raw;
  try {
    return String(JSON.parse(text.slice(start, end + 1)));
  } catch {
    // The text is no JSON.
    return raw;
  }
}
