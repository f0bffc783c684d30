import { afterBlanks, byteOf, cutAt, quote, scalarEnd, stringEnd } from "./json-bytes.ts";

/** Bytes that a container keeps for the values behind a large one: usage and finish reasons usually come last. */
const reservedBytes = 64 * 1024;
/** Room for the words that say what is missing, with quotes, comma and the longest number. */
const markBytes = 64;
/** After so many bytes the walk pauses, so that whoever serves others may do so in between. */
const pieceBytes = 1024 * 1024;
/** Deeper documents are not walked: nobody's answer is nested so, and each level takes memory. */
const maxDepth = 1_000;

const comma = byteOf(",");
const colon = byteOf(":");
const openArray = byteOf("[");
const openObject = byteOf("{");
const closeArray = byteOf("]");
const closeObject = byteOf("}");

const scalarForm = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;

/** An object or array that is open at the place of the walk. */
interface Container {
  readonly isObject: boolean;
  /** False: nothing of it is kept, it is only walked through. */
  readonly kept: boolean;
  /** Bytes that its content may still take. What a container inside it may take is lent to that one. */
  left: number;
  /** Values that were kept, and those that were left out. */
  values: number;
  missing: number;
}

/**
 * Shortens a JSON document of any size to at most `maxBytes` and keeps it JSON: long strings are cut where they are,
 * values that find no room are left out, each with a mark that says how much is missing. What is short behind what is
 * long (usage, finish reasons) stays. Takes time in proportion to the document, and parses nothing. What is no JSON
 * becomes a JSON string of its beginning. `maxBytes` is at least 1,024.
 */
export function boundDocument(document: Uint8Array, maxBytes: number): Uint8Array {
  const walk = walkDocument(document, maxBytes);
  for (;;) {
    const step = walk.next();
    if (step.done === true) return step.value;
  }
}

/** The same, in pieces of a millisecond or two: others are served in between. */
export async function boundDocumentInPieces(document: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const walk = walkDocument(document, maxBytes);
  for (;;) {
    const step = walk.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** One step for each piece; gives the shortened document. */
function* walkDocument(document: Uint8Array, maxBytes: number): Generator<undefined, Uint8Array> {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  if (bytes.length <= maxBytes) return document;
  const output = createOutput(bytes, maxBytes);
  return (yield* walkValues(bytes, maxBytes, output)) ? output.written() : beginning(bytes, maxBytes);
}

/** Writes the shortened document; false: it is no JSON, or nested too deeply. */
function* walkValues(bytes: Buffer, maxBytes: number, output: Output): Generator<undefined, boolean> {
  const open: Container[] = [];
  let at = afterBlanks(bytes, 0);
  for (let pauseAt = pieceBytes; ; ) {
    if (at >= pauseAt) {
      pauseAt = at + pieceBytes;
      yield;
    }
    const value = readValue(bytes, at, open.at(-1));
    if (value === undefined) return false;
    at = value.to;
    const inner = open.length < maxDepth && place(value, { bytes, maxBytes, output, around: open.at(-1) });
    if (inner === false) return false;
    if (inner !== undefined) {
      open.push(inner);
      at = afterBlanks(bytes, at);
      if (bytes[at] !== (inner.isObject ? closeObject : closeArray)) continue;
    }
    const next = closeContainers(bytes, at, { open, output });
    if (next === undefined) return false;
    if (next === bytes.length) return open.length === 0;
    at = next;
  }
}

/** A value of the document, and its name in an object. Of a container only the opening bracket. */
interface Value {
  readonly nameFrom: number;
  readonly nameTo: number;
  readonly from: number;
  readonly to: number;
}

/** Undefined: there is none. */
function readValue(bytes: Buffer, at: number, around: Container | undefined): Value | undefined {
  let nameTo = at;
  let from = at;
  if (around?.isObject === true) {
    nameTo = bytes[at] === quote ? stringEnd(bytes, at) : -1;
    const sign = nameTo < 0 ? -1 : afterBlanks(bytes, nameTo);
    if (bytes[sign] !== colon) return undefined;
    from = afterBlanks(bytes, sign + 1);
  }
  const first = bytes[from];
  if (first === openArray || first === openObject) return { nameFrom: at, nameTo, from, to: from + 1 };
  const to = first === quote ? stringEnd(bytes, from) : scalarEnd(bytes, from);
  return to < 0 ? undefined : { nameFrom: at, nameTo, from, to };
}

interface Place {
  readonly bytes: Buffer;
  readonly maxBytes: number;
  readonly output: Output;
  readonly around: Container | undefined;
}

/** Writes a value as far as there is room. Gives the container that it opens, if it is one; false: it is no JSON. */
function place(value: Value, { bytes, maxBytes, output, around }: Place): Container | undefined | false {
  const { from, to, nameFrom, nameTo } = value;
  const room = around === undefined ? maxBytes : roomFor(around, nameTo - nameFrom);
  const first = bytes[from];
  const isContainer = first === openArray || first === openObject;
  const isText = first === quote;
  const whole = !isContainer && to - from <= room;
  if (whole && !isText && !scalarForm.test(bytes.toString("latin1", from, to))) return false;
  const kept = whole || ((isContainer || isText) && room >= 2 * markBytes);
  if (!kept && around === undefined) return false;
  if (around !== undefined) {
    if (!kept) around.missing++;
    else if (around.values++ > 0) output.text(",");
    if (kept && around.isObject) {
      output.copy(nameFrom, nameTo);
      output.text(":");
    }
  }
  const before = output.size();
  if (whole || (kept && isContainer)) output.copy(from, to);
  else if (kept) {
    const cut = cutAt(bytes, from, from + room - markBytes);
    output.copy(from, cut);
    output.text(`...[${to - 1 - cut} more bytes cut]"`);
  }
  const spent = isContainer ? room : output.size() - before;
  if (around !== undefined && kept) around.left -= spent + nameTo - nameFrom + 2;
  if (!isContainer) return undefined;
  return { isObject: first === openObject, kept, left: room - markBytes - 2, values: 0, missing: 0 };
}

/** Closes the containers that end here. Gives the place of the next value, or the end of all; undefined: it is no JSON. */
function closeContainers(
  bytes: Buffer,
  from: number,
  { open, output }: { open: Container[]; output: Output },
): number | undefined {
  let at = afterBlanks(bytes, from);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    // A comma at the end of all would be taken for the end.
    if (bytes[at] === comma) return at + 1 < bytes.length ? afterBlanks(bytes, at + 1) : undefined;
    if (bytes[at] !== (top.isObject ? closeObject : closeArray)) return undefined;
    at = afterBlanks(bytes, at + 1);
    open.pop();
    if (!top.kept) continue;
    output.text(closing(top));
    const around = open.at(-1);
    if (around !== undefined) around.left += Math.max(0, top.left);
  }
  return at === bytes.length ? at : undefined;
}

/** What is written, in one buffer: a part for each value would take more memory than the document. */
interface Output {
  /** Writes bytes of the document. */
  copy(from: number, to: number): void;
  text(ascii: string): void;
  size(): number;
  written(): Buffer;
}

function createOutput(bytes: Buffer, maxBytes: number): Output {
  const buffer = Buffer.allocUnsafe(maxBytes);
  let size = 0;
  return {
    copy(from, to) {
      size += bytes.copy(buffer, size, from, to);
    },
    text(ascii) {
      size += buffer.write(ascii, size, "latin1");
    },
    size: () => size,
    written: () => buffer.subarray(0, size),
  };
}

/** Bytes that the next value of a container may take. An array that has left out one item leaves out all that follow. */
function roomFor(container: Container, nameBytes: number): number {
  const { kept, left, missing, isObject } = container;
  if (!kept || (missing > 0 && !isObject)) return 0;
  const rest = left - nameBytes - 2;
  return Math.max(0, Math.floor((rest * 3) / 4), rest - reservedBytes);
}

/** What stands behind the last value of a container: how many are missing, and its bracket. */
function closing({ isObject, values, missing }: Container): string {
  const end = isObject ? "}" : "]";
  if (missing === 0) return end;
  const mark = `"...[${missing} more ${isObject ? "fields" : "items"} cut]"`;
  return `${values > 0 ? "," : ""}${isObject ? `"...":${mark}` : mark}${end}`;
}

/** A JSON string of the beginning of a text. A character takes six bytes at most once it is written. */
function beginning(bytes: Buffer, maxBytes: number): Buffer {
  for (let length = maxBytes - markBytes; ; length = Math.floor(length / 2)) {
    const text = bytes.subarray(0, length).toString("utf8");
    const shorter = Buffer.from(JSON.stringify(`${text}...[${bytes.length - length} more bytes cut]`));
    if (shorter.length <= maxBytes) return shorter;
  }
}
