import { textEnd } from "./json-text.ts";

/*
 * Two parsers, one body. JSON.parse takes the last of two equal names, other parsers take the first, and the body goes
 * upstream as it came: what was priced, limited and routed by must be what the upstream reads. So no object of a body
 * may have a name twice, however it is spelt (RFC 7493, section 2.3).
 */

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Names of one object: few are compared one by one, many are looked up. */
type Names = string[] | Set<string>;
const mostCompared = 8;
/** Longest path that an error tells, and longest part of it: names are the client's. */
const maxPathLength = 256;
const maxNameLength = 64;

/**
 * The path of the first name that its object has already, e.g. "messages[2].content"; undefined: there is none.
 *
 * Its time grows with the length of the text and with nothing else; values are not looked into.
 *
 * @param text a JSON text that JSON.parse accepts.
 */
export function duplicateName(text: string): string | undefined {
  /** Names of the objects that are open; of an array: undefined. */
  const open: (Names | undefined)[] = [];
  let names: Names | undefined;
  let isNameNext = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = textEnd(text, at);
      if (isNameNext && names !== undefined) {
        isNameNext = false;
        const name = stringAt(text, at, end);
        if (Array.isArray(names) ? names.includes(name) : names.has(name)) return pathTo(text, at);
        if (!Array.isArray(names)) names.add(name);
        else if (names.length < mostCompared) names.push(name);
        else {
          names = new Set(names).add(name);
          open[open.length - 1] = names;
        }
      }
      at = end;
    } else if (code === comma) {
      isNameNext = names !== undefined;
    } else if (code === openBrace || code === openBracket) {
      names = code === openBrace ? [] : undefined;
      isNameNext = code === openBrace;
      open.push(names);
    } else if (code === closeBrace || code === closeBracket) {
      open.pop();
      names = open.at(-1);
      isNameNext = false;
    }
  }
  return undefined;
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
  return raw.includes("\\") ? String(JSON.parse(text.slice(start, end + 1))) : raw;
}
