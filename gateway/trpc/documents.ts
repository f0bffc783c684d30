import { randomBytes } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { Pace } from "../../shared/pace.ts";
import { type JsonChunks, streamInPieces } from "../answers/json-in-pieces.ts";

/** Documents that were written before tRPC writes the answer around them. */
export interface Documents {
  /**
   * Puts one where a procedure gives its result. To tRPC it is a text that nobody can guess; `fill` puts the document there. Made into one
   * text, a list of 200 records with their contents held up all others for 5 ms.
   */
  put<Result extends object>(document: JsonChunks): Result;
  /** The answer with its documents, in pieces; undefined: it has none. */
  fill(answer: Response, reply: FastifyReply, pace: Pace): Promise<NodeJS.ReadableStream | undefined>;
}

/** Collects the documents of one request. `plain`: its answer is not one text, so each result must be a value. */
export function createDocuments({ plain }: { plain: boolean }): Documents {
  const mark = randomBytes(16).toString("hex");
  const documents: JsonChunks[] = [];
  return {
    put<Result extends object>(document: JsonChunks): Result {
      if (plain) return JSON.parse(document.chunks.map(textOf).join("")) as Result;
      const place = documents.push(document) - 1;
      // tRPC gets a stand-in, which has the result's type only on the wire.
      return { toJSON: () => `${mark}${place}` } as unknown as Result;
    },
    async fill(answer, reply, pace) {
      if (documents.length === 0) return undefined;
      const around = (await answer.text()).split(new RegExp(`"${mark}(\\d+)"`));
      // Every second part is the number of a document.
      return streamInPieces(
        reply.raw,
        around.flatMap((part, index) => (index % 2 === 0 ? [part] : (documents[Number(part)]?.chunks ?? []))),
        pace,
      );
    },
  };
}

function textOf(chunk: string | Uint8Array): string {
  return typeof chunk === "string" ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString();
}
