import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";
import type { Spool } from "./spool.ts";
import { codingOf, unpack } from "./unpack.ts";

/** Bounds of a body that is spooled. */
export interface SpooledBounds {
  readonly maxBytes: number;
  /** Most bytes of one that is packed, which are unpacked in memory. */
  readonly maxPackedBytes: number;
}

/**
 * Receives a body into a spool, whatever its size; gives its SHA-256. Throws request_too_large, and what the client's coding or its
 * going away makes of it.
 */
export async function receiveBody(
  { bodies }: Pick<GatewayContext, "bodies">,
  request: FastifyRequest,
  spool: Spool,
  { maxBytes, maxPackedBytes }: SpooledBounds,
): Promise<Buffer> {
  const { raw, headers, incoming } = request;
  const coding = codingOf(headers["content-encoding"]);
  const most = coding === undefined ? maxBytes : maxPackedBytes;
  if (Number(headers["content-length"]) > most) throw tooLarge(most);
  const hash = createHash("sha256");
  const packed: Buffer[] = [];
  let received = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    received += chunk.length;
    // It is given time as uploads are, by its pace.
    incoming.formBytes = received;
    if (received > most) throw tooLarge(most);
    if (coding !== undefined) packed.push(chunk);
    else {
      hash.update(chunk);
      await spool.append(chunk);
    }
  }
  if (coding === undefined) return hash.digest();
  const body = await unpack(Buffer.concat(packed), coding, maxPackedBytes, bodies);
  try {
    await spool.append(body);
    return hash.update(body).digest();
  } finally {
    bodies.give(body.length);
  }
}

function tooLarge(most: number): ThroughlineError {
  return new ThroughlineError("request_too_large", `The request body exceeds ${Math.floor(most / 1024 / 1024)} MB.`);
}
