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

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

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

function skipValue(bytes: Buffer, from: number): number {
  let at = from;
  let depth = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = skipString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === comma || isSpace(byte))) return at;
    at++;
  }
  return at;
}

/** Where the string that begins at `from` has ended. */
function skipString(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(quote, at + 1);
    if (at < 0) return bytes.length;
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
