import { create } from "@bufbuild/protobuf";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { HeadSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createBytesAnswer } from "../../answers/bytes.ts";
import { byteRange } from "../../domain/byte-range.ts";
import { wantedRange, wantsHead } from "./head-alone.ts";
import type { ReadPiece } from "./read.ts";

/**
 * Answers with an object, or the range of it that was asked for: a piece at a time, as fast as the client takes it. Whoever asks for
 * the head alone gets that of the whole, and nothing is read.
 */
export async function giveObject(
  request: Pick<FastifyRequest, "method" | "headers">,
  reply: FastifyReply,
  object: { readonly bytes: number; readonly contentType: string; readonly read: ReadPiece },
): Promise<void> {
  const { bytes, contentType, read } = object;
  const isHead = wantsHead(request);
  const range = byteRange(wantedRange(request), bytes);
  if (range === "unsatisfiable") {
    void reply.header("content-range", `bytes */${bytes}`);
    throw new ThroughlineError("invalid_value", `There are ${bytes} bytes.`, { param: "Range", httpStatus: 416 });
  }
  const { first, last } = range === "whole" ? { first: 0, last: bytes - 1 } : range;
  // The first piece is read before the head is sent, so that a failure still has its own status.
  let piece = isHead || last < first ? new Uint8Array() : await read(first, last - first + 1);
  const answer = createBytesAnswer(reply.raw);
  reply.hijack();
  const head = create(HeadSchema, { contentType, contentLength: BigInt(last - first + 1) });
  if (range !== "whole") {
    head.httpStatus = 206;
    head.contentRange = `bytes ${first}-${last}/${bytes}`;
  }
  answer.begin(head, { "accept-ranges": "bytes" });
  try {
    for (let offset = first; piece.length > 0; piece = await read(offset, last - offset + 1)) {
      offset += piece.length;
      await answer.write(piece);
      if (answer.isGone()) return;
      if (offset > last) break;
    }
    answer.end();
  } catch (error) {
    answer.fail(ThroughlineError.from(error));
  }
}
