import { hash } from "node:crypto";

/**
 * 64 bits of the SHA-256 of an upstream's request ID, to look records up by it: 8 bytes where the text takes 36. The text
 * itself is in the payload; two IDs with one hash are told apart by it as long as that is kept.
 */
export function upstreamHash(upstreamRequestId: string): bigint | null {
  return upstreamRequestId === "" ? null : hash("sha256", upstreamRequestId, "buffer").readBigInt64BE(0);
}
