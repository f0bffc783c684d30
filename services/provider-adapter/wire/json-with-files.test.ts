import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonWithFiles } from "./json-with-files.ts";

/** Reads as a lane does: from an offset on, in pieces of its own choice, past the end of the file. */
function reader(bytes: Buffer, pieceBytes: number) {
  return async function* (offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
}

async function textOf(source: { open(): AsyncIterable<Uint8Array> }): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.open()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const files = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 12 });

test("files become base64 in their places, the length is the one that was announced, and it can be read again", async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 60 }), fc.string(), async (given, pieceBytes, text) => {
      // A file of no bytes never reaches a provider.
      const filled = given.filter(({ length }) => length > 0);
      const all = Buffer.concat(filled);
      const json = jsonWithFiles(reader(all, pieceBytes));
      let offset = 0;
      const places = filled.map(({ length }) => {
        const place = { offset, length };
        offset += length;
        return place;
      });
      const { body, source } = json.write({
        text,
        images: places.map((place) => `data:x;base64,${json.base64Of(place)}`),
      });
      const wanted = { text, images: filled.map((bytes) => `data:x;base64,${Buffer.from(bytes).toString("base64")}`) };
      if (source === undefined) {
        expect(JSON.parse(Buffer.from(body).toString())).toEqual(wanted);
        return;
      }
      for (let reading = 0; reading < 2; reading += 1) {
        const written = await textOf(source);
        expect(Buffer.byteLength(written)).toBe(source.length);
        expect(JSON.parse(written)).toEqual(wanted);
      }
    }),
  );
});

test("a file that is shorter than it was said to be is no file", async () => {
  const json = jsonWithFiles(reader(Buffer.alloc(4), 3));
  const { source } = json.write({ image: json.base64Of({ offset: 0, length: 5 }) });
  await expect(source === undefined ? undefined : textOf(source)).rejects.toThrow(/lacks 1 bytes/);
});
