import { hash } from "node:crypto";

/**
 * 64 bits of the SHA-256 of an upstream's request ID, to look records up by it: 8 bytes where the text takes 36. The text
 * itself is in the payload; two IDs with one hash are told apart by it as long as that is kept.
 */
export function upstreamHash(upstreamRequestId: string): bigint | null {
  if (upstreamRequestId === "") return null;
  // By way of hex digits 1 us, by way of a buffer 2.
  return BigInt.asIntN(64, BigInt(`0x${hash("sha256", upstreamRequestId, "hex").slice(0, 16)}`));
}
