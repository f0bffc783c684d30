/** Pictures by their first bytes; a space stands for any byte. */
const signatures: readonly (readonly [string, string])[] = [
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["RIFF    WEBP", "image/webp"],
  ["BM", "image/bmp"],
  ["II*\0", "image/tiff"],
  ["MM\0*", "image/tiff"],
  ["    ftypavif", "image/avif"],
  ["    ftypheic", "image/heic"],
  ["    ftypheix", "image/heic"],
  ["    ftypmif1", "image/heif"],
];

/** As many first bytes as tell the type of a picture. */
export const imageTypeBytes = 12;

/**
 * Media type of a picture by its first bytes, whatever its server or its client says: stores often say
 * application/octet-stream, and what is no picture must not reach a model as one. Undefined: no picture. SVG is none: it is a
 * document that can refer to others.
 */
export function imageTypeOf(bytes: Uint8Array): string | undefined {
  return signatures.find(([signature]) =>
    [...signature].every((char, i) => char === " " || bytes[i] === char.charCodeAt(0)),
  )?.[1];
}
