import { randomBytes } from "node:crypto";
import type { BodySource } from "../domain/exchange.ts";
import type { JsonObject } from "./json.ts";

/** Where the bytes of a file are. */
interface FilePlace {
  readonly offset: number;
  readonly length: number;
}

/** Writes JSON that has files in it as base64. No file is ever held whole. */
export interface JsonWithFiles {
  /** A text that stands for the base64 of a file, within any string of the JSON. */
  base64Of(file: FilePlace): string;
  /** The body. Its length is known before its first byte. */
  write(value: JsonObject): { readonly body: Uint8Array; readonly source?: BodySource };
}

/**
 * Begins such a text.
 *
 * @param read the bytes of the files from an offset on. Absent: there are none.
 */
export function jsonWithFiles(
  read: ((offset: number) => AsyncIterableIterator<Uint8Array>) | undefined,
): JsonWithFiles {
  const files: FilePlace[] = [];
  // Nobody can guess it, so no text of a client holds it.
  const mark = randomBytes(16).toString("hex");
  return {
    base64Of(file) {
      files.push(file);
      return `${mark}${String(files.length - 1).padStart(4, "0")}`;
    },
    write(value) {
      const text = JSON.stringify(value);
      if (read === undefined || files.length === 0) return { body: Buffer.from(text) };
      const pieces = piecesOf(text, mark, files);
      const length = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
      return { body: new Uint8Array(), source: { length, open: () => bytesOf(pieces, read) } };
    },
  };
}

type Piece = Buffer | FilePlace;

function piecesOf(text: string, mark: string, files: readonly FilePlace[]): Piece[] {
  const pieces: Piece[] = [];
  for (const [place, part] of text.split(mark).entries()) {
    const file = place === 0 ? undefined : files[Number(part.slice(0, 4))];
    if (file !== undefined) pieces.push(file);
    pieces.push(Buffer.from(place === 0 ? part : part.slice(4)));
  }
  return pieces;
}

function lengthOf(piece: Piece): number {
  return Buffer.isBuffer(piece) ? piece.length : 4 * Math.ceil(piece.length / 3);
}

async function* bytesOf(
  pieces: readonly Piece[],
  read: (offset: number) => AsyncIterableIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (Buffer.isBuffer(piece)) yield piece;
    else yield* base64(read(piece.offset), piece.length);
  }
}

/** The base64 of the first bytes of what is read. Throws where there are fewer: the length that was announced would not be true. */
async function* base64(bytes: AsyncIterableIterator<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  /** Up to two bytes that do not fill a group of three yet. */
  let held = Buffer.alloc(0);
  for await (const piece of bytes) {
    const taken = Buffer.concat([held, piece.subarray(0, left)]);
    left -= Math.min(left, piece.length);
    const whole = left === 0 ? taken.length : taken.length - (taken.length % 3);
    held = taken.subarray(whole);
    if (whole > 0) yield Buffer.from(taken.toString("base64", 0, whole));
    if (left === 0) return;
  }
  throw new Error(`a file of a form lacks ${left} bytes`);
}
