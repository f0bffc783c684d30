import { comma, quote, skipSpace, skipString, skipValue } from "../wire/scan-json.ts";

/** A place in a JSON value: names of fields and indexes of lists. */
export type JsonPath = readonly (string | number)[];

/** The path as error messages name it: `messages[0].content[1].image_url.url`. */
export function pathText(path: JsonPath): string {
  return path.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
}

interface Node {
  readonly children: Map<string | number, Node>;
  text: string | undefined;
}

/**
 * Replaces values of a JSON text at some places; all other bytes stay as they came (numbers beyond 2^53, spelling of
 * strings, order). One pass, which skips what it does not look for.
 *
 * @param json text that JSON.parse accepts.
 * @param replacements JSON texts by path; a path that is not there is left out.
 */
export function splice(json: Uint8Array, replacements: readonly { path: JsonPath; text: string }[]): Uint8Array {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const root: Node = { children: new Map(), text: undefined };
  for (const { path, text } of replacements) {
    let node = root;
    for (const step of path) {
      const next: Node = node.children.get(step) ?? { children: new Map(), text: undefined };
      node.children.set(step, next);
      node = next;
    }
    node.text = text;
  }
  const parts: Uint8Array[] = [];
  let copied = 0;

  /** Goes over the value that begins at `at`; gives where it ends. */
  function walk(at: number, node: Node): number {
    if (node.text !== undefined) {
      const end = skipValue(bytes, at);
      parts.push(bytes.subarray(copied, at), Buffer.from(node.text));
      copied = end;
      return end;
    }
    if (bytes[at] === 0x7b) return walkObject(at + 1, node);
    if (bytes[at] === 0x5b) return walkList(at + 1, node);
    return skipValue(bytes, at);
  }

  function walkObject(from: number, node: Node): number {
    let at = skipSpace(bytes, from);
    while (bytes[at] === quote) {
      const end = skipString(bytes, at);
      const child = node.children.get(String(JSON.parse(bytes.toString("utf8", at, end))));
      const value = skipSpace(bytes, skipSpace(bytes, end) + 1);
      at = skipSpace(bytes, child === undefined ? skipValue(bytes, value) : walk(value, child));
      if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    }
    return at + 1;
  }

  function walkList(from: number, node: Node): number {
    let at = skipSpace(bytes, from);
    for (let index = 0; at < bytes.length && bytes[at] !== 0x5d; index++) {
      const child = node.children.get(index);
      at = skipSpace(bytes, child === undefined ? skipValue(bytes, at) : walk(at, child));
      if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    }
    return at + 1;
  }

  walk(skipSpace(bytes, 0), root);
  if (parts.length === 0) return json;
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
}
