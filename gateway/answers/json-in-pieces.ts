import { Readable } from "node:stream";
import type { Pace } from "../../shared/pace.ts";

/** Text that is turned into bytes, and handed to the socket, in one go: 3 MB at once held up others for 5 to 15 ms. */
const chunkCharacters = 32 * 1024;

/** A JSON document. Its bytes are made when they are sent: held until then, they had all memory searched four times a second. */
export interface JsonChunks {
  readonly chunks: readonly string[];
  /** In UTF-8. */
  readonly bytes: number;
}

/**
 * Writes a list between two texts, such as `{"data":[` and `]}`; others are served while it is written. Of a list that comes
 * piece by piece no more is held than what is written.
 */
export async function jsonInPieces<T>(
  items: readonly T[] | AsyncIterable<T>,
  { toJson, before, after, pace }: { toJson: (item: T) => object; before: string; after: string; pace: Pace },
): Promise<JsonChunks> {
  const chunks: string[] = [];
  let bytes = 0;
  const add = (chunk: string): void => {
    chunks.push(chunk);
    bytes += Buffer.byteLength(chunk);
  };
  let text = before;
  let separator = "";
  for await (const item of items) {
    text += separator + JSON.stringify(toJson(item));
    separator = ",";
    if (text.length >= chunkCharacters) {
      add(text);
      text = "";
    }
    const others = pace();
    if (others !== undefined) await others;
  }
  add(text + after);
  return { chunks, bytes };
}

/** Hands chunks to who reads, others are served in between. */
export function streamInPieces(chunks: readonly string[], pace: Pace): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) {
        yield Buffer.from(chunk);
        const others = pace();
        if (others !== undefined) await others;
      }
    })(),
    { objectMode: false },
  );
}
