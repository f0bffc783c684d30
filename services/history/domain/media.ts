import { createHash } from "node:crypto";

/** Shorter runs of base64 are left as they are: a thumbnail of 190 bytes costs no more than the words that replace it. */
const minRun = 256;

/** How media begin in base64, behind the quote of their JSON string (RFC 4648 of each format's first bytes). */
const beginnings: readonly (readonly [string, string])[] = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["\\/9j\\/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
  ["SUQz", "audio/mpeg"],
  ["//u", "audio/mpeg"],
  ["T2dnUw", "audio/ogg"],
  ["ZkxhQ", "audio/flac"],
  ["JVBERi0", "application/pdf"],
];

const dataUrl = /data:([a-z]+\/[\w.+-]+)(?:;[\w.=+-]+)*;base64,/y;
const longestDataUrlHead = 128;
const run = /(?:[A-Za-z0-9+/_-]|\\\/)*={0,2}/y;

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly words: string;
}

/**
 * Replaces images and other media in a JSON document by their type, size and digest, e.g.
 * `"[image/png, 1048576 bytes, sha256:9f86d0...]"`; the same bytes when there are none. Found are `data:` URLs anywhere
 * in a string, and strings that are base64 of a known format and nothing else.
 */
export function replaceMedia(json: Uint8Array): Uint8Array {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (!mayHoldRun(bytes)) return json;
  const starts = [...dataUrlStarts(bytes), ...stringStarts(bytes)].sort((a, b) => a.from - b.from);
  if (starts.length === 0) return json;
  // Byte for byte, so that positions in the text are positions in the document.
  const text = bytes.toString("latin1");
  const pieces: Piece[] = [];
  let end = 0;
  for (const { from, type } of starts) {
    if (from < end) continue;
    const piece = type === undefined ? readDataUrl(text, from) : readString(text, from, type);
    if (piece === undefined) continue;
    pieces.push(piece);
    end = piece.to;
  }
  return pieces.length === 0 ? json : join(bytes, pieces);
}

/**
 * Whether there may be a run of base64 of the shortest length: it would fill one of the aligned blocks of half that length,
 * and prose leaves each block at its first blank. Costs 1 us on an answer of 3 kB, where the searches cost 10.
 */
function mayHoldRun(bytes: Buffer): boolean {
  const block = minRun >> 1;
  for (let from = 0; from + block <= bytes.length; from += block) {
    let at = from;
    while (at < from + block && isBase64[bytes[at] ?? 0] === 1) at++;
    if (at === from + block) return true;
  }
  return false;
}

/** By byte; the backslash is one because JSON may spell a slash with it. */
const isBase64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\\") {
  isBase64[character.charCodeAt(0)] = 1;
}

interface Start {
  readonly from: number;
  /** Undefined: a `data:` URL, which says its type itself. */
  readonly type?: string;
}

function* dataUrlStarts(bytes: Buffer): Generator<Start> {
  for (let at = bytes.indexOf(";base64,"); at >= 0; at = bytes.indexOf(";base64,", at + 1)) {
    // No farther back than it may be: a search to the beginning for each mark takes seconds in a megabyte of them.
    const first = Math.max(0, at - longestDataUrlHead + 1);
    const head = bytes.subarray(first, at).lastIndexOf("data:");
    if (head >= 0) yield { from: first + head };
  }
}

function* stringStarts(bytes: Buffer): Generator<Start> {
  for (const [beginning, type] of beginnings) {
    const needle = `"${beginning}`;
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) yield { from: at + 1, type };
  }
}

function readDataUrl(text: string, from: number): Piece | undefined {
  dataUrl.lastIndex = from;
  const head = dataUrl.exec(text);
  if (head === null) return undefined;
  return describe(readRun(text, dataUrl.lastIndex), { from, type: head[1] ?? "" });
}

function readString(text: string, from: number, type: string): Piece | undefined {
  const found = readRun(text, from);
  return text[found.to] === '"' ? describe(found, { from, type }) : undefined;
}

function readRun(text: string, from: number): { base64: string; to: number } {
  run.lastIndex = from;
  run.exec(text);
  return { base64: text.slice(from, run.lastIndex), to: run.lastIndex };
}

function describe(
  found: { base64: string; to: number },
  { from, type }: { from: number; type: string },
): Piece | undefined {
  if (found.base64.length < minRun) return undefined;
  const content = Buffer.from(found.base64.replaceAll("\\/", "/"), "base64");
  const digest = createHash("sha256").update(content).digest("hex");
  return { from, to: found.to, words: `[${type}, ${content.length} bytes, sha256:${digest}]` };
}

function join(bytes: Buffer, pieces: readonly Piece[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, to, words } of pieces) {
    parts.push(bytes.subarray(at, from), Buffer.from(words));
    at = to;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
