import { Readable } from "node:stream";
import { createPace } from "../../shared/pace.ts";

/** Text that is turned into bytes, and handed to the socket, in one go: 3 MB at once held up others for 5 to 15 ms. */
const chunkCharacters = 32 * 1024;

/** A JSON document in the bytes that are sent. */
export interface JsonChunks {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
}

/**
 * Writes a list between two texts, such as `{"data":[` and `]}`; others are served while it is written. Of a list that comes
 * piece by piece no more is held than what is written.
 */
export async function jsonInPieces<T>(
  items: readonly T[] | AsyncIterable<T>,
  {
    toJson,
    before,
    after,
    pace = createPace(),
  }: { toJson: (item: T) => object; before: string; after: string; pace?: ReturnType<typeof createPace> },
): Promise<JsonChunks> {
  const chunks: Buffer[] = [];
  let text = before;
  let separator = "";
  for await (const item of items) {
    text += separator + JSON.stringify(toJson(item));
    separator = ",";
    if (text.length >= chunkCharacters) {
      chunks.push(Buffer.from(text));
      text = "";
    }
    const others = pace();
    if (others !== undefined) await others;
  }
  chunks.push(Buffer.from(text + after));
  return { chunks, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
}

/** Hands chunks to who reads, others are served in between. */
export function streamInPieces(chunks: readonly Buffer[], pace = createPace()): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) {
        yield chunk;
        const others = pace();
        if (others !== undefined) await others;
      }
    })(),
    { objectMode: false },
  );
}
