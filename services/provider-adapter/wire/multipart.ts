import { randomBytes } from "node:crypto";
import type { BodySource } from "../domain/exchange.ts";

/** A part of a form to write: a field, or a file whose bytes are read when they are sent. */
export interface WrittenPart {
  readonly name: string;
  readonly value: string;
  readonly file?:
    | { readonly filename: string; readonly contentType: string; readonly offset: number; readonly length: number }
    | undefined;
}

/** A form as it is sent. */
export interface WrittenForm {
  readonly contentType: string;
  readonly source: BodySource;
}

/**
 * Writes a form. Its length is known before its first byte, and no file is ever held whole.
 *
 * @param read the bytes of its files from an offset on.
 */
export function writeMultipart(
  parts: readonly WrittenPart[],
  read: (offset: number) => AsyncIterableIterator<Uint8Array>,
): WrittenForm {
  const boundary = `throughline-${randomBytes(18).toString("hex")}`;
  const heads = parts.map((part) => Buffer.from(headOf(part, boundary)));
  const end = Buffer.from(`--${boundary}--\r\n`);
  const length = parts.reduce(
    (sum, { file }, index) => sum + (heads[index]?.length ?? 0) + (file === undefined ? 0 : file.length + 2),
    end.length,
  );
  return { contentType: `multipart/form-data; boundary=${boundary}`, source: { length, open } };

  async function* open(): AsyncGenerator<Uint8Array> {
    for (const [index, { file }] of parts.entries()) {
      yield heads[index] ?? Buffer.alloc(0);
      if (file === undefined) continue;
      yield* cut(read(file.offset), file.length);
      yield lineEnd;
    }
    yield end;
  }
}

const lineEnd = Buffer.from("\r\n");

/** The head of a part; of a field its value too. */
function headOf({ name, value, file }: WrittenPart, boundary: string): string {
  const start = `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(name)}"`;
  if (file === undefined) return `${start}\r\n\r\n${value}\r\n`;
  const type = file.contentType.replace(/[^\x20-\x7e]/g, "") || "application/octet-stream";
  return `${start}; filename="${escaped(file.filename || "file")}"\r\ncontent-type: ${type}\r\n\r\n`;
}

/** As browsers write names (HTML, "multipart form data"). */
function escaped(text: string): string {
  return text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** The first bytes of what is read. Throws where there are fewer: the length that was announced would not be true. */
async function* cut(pieces: AsyncIterableIterator<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const piece of pieces) {
    if (piece.length >= left) {
      yield piece.subarray(0, left);
      return;
    }
    left -= piece.length;
    yield piece;
  }
  throw new Error(`a file of a form lacks ${left} bytes`);
}
