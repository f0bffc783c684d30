import type { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import type { Pace } from "../../shared/pace.ts";

/** Text that is turned into bytes, and handed to the socket, in one go: 3 MB at once held up others for 5 to 15 ms. */
export const chunkCharacters = 32 * 1024;

/** A JSON document in pieces. */
export interface JsonChunks {
  /** Text, or its UTF-8. */
  readonly chunks: readonly (string | Uint8Array<ArrayBuffer>)[];
  /** Size of the whole document in UTF-8. */
  readonly bytes: number;
}

/** How a document is written. */
export interface PiecewiseOptions {
  readonly pace: Pace;
  readonly chunkCharacters?: number;
  /**
   * Makes its bytes at once, for who sends them from another thread. Otherwise they are made when they are sent: held until then, they
   * had all memory searched four times a second.
   */
  readonly encoded?: boolean;
}

/** A JSON document that is written piece by piece. */
export interface PiecewiseDocument {
  /** Writes what opens a list, and the list; others are served while it is written. Of one that comes piece by piece no more is held than what is written. */
  list<T>(opening: string, items: readonly T[] | AsyncIterable<T>, toJson: (item: T) => object): Promise<void>;
  /** Writes the end. */
  end(closing: string): JsonChunks;
}

const utf8 = new TextEncoder();

/** Begins a document. */
export function documentInPieces({
  pace,
  chunkCharacters: most = chunkCharacters,
  encoded = false,
}: PiecewiseOptions): PiecewiseDocument {
  const chunks: (string | Uint8Array<ArrayBuffer>)[] = [];
  let bytes = 0;
  let text = "";
  const add = (): void => {
    const chunk = encoded ? utf8.encode(text) : text;
    chunks.push(chunk);
    bytes += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
    text = "";
  };
  return {
    async list(opening, items, toJson) {
      text += opening;
      let separator = "";
      for await (const item of items) {
        text += separator + JSON.stringify(toJson(item));
        separator = ",";
        if (text.length >= most) add();
        const others = pace();
        if (others !== undefined) await others;
      }
    },
    end(closing) {
      text += closing;
      add();
      return { chunks, bytes };
    },
  };
}

/** Sends chunks as the body of a response, others are served in between. */
export function streamInPieces(response: EventEmitter, chunks: JsonChunks["chunks"], pace: Pace): Readable {
  // Not where the client has gone: the system may still be reading them.
  response.once("finish", () => chunks.forEach(release));
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) {
        yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
        const others = pace();
        if (others !== undefined) await others;
      }
    })(),
    { objectMode: false },
  );
}

/** Frees bytes. Left to the collector of garbage, those of four pages had it search all memory, 10 ms each time. */
function release(chunk: string | Uint8Array<ArrayBuffer>): void {
  if (typeof chunk !== "string") chunk.buffer.transfer(0);
}
