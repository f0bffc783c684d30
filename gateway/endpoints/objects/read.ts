import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { GatewayContext } from "../../context.ts";

/** Reads bytes from an offset on, at least one and at most so many. Throws not_found where there are none. */
export type ReadPiece = (offset: number, most: number) => Promise<Uint8Array>;

/** A piece may have to come from a bucket. */
const pieceTimeoutMs = 60_000;

/** Reads an object, a piece at a time. */
export function objectReader(
  { jobs }: Pick<GatewayContext, "jobs">,
  { incoming }: FastifyRequest,
  { objectId, accountId }: { readonly objectId: bigint; readonly accountId: bigint },
): ReadPiece {
  const options = { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: pieceTimeoutMs };
  return async (offset, most) => {
    const maxBytes = Math.min(pieceBytes, most);
    const { data } = await jobs.readObject({ objectId, accountId, offset: BigInt(offset), maxBytes }, options);
    if (data.length === 0) throw new ThroughlineError("not_found", "There is no such file.");
    return data;
  };
}
