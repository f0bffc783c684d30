import { createHmac, timingSafeEqual } from "node:crypto";

const idBytes = 8;
const markBytes = 16;
const tokenForm = /^[A-Za-z0-9_-]{32}$/;

/** What stands in the address that a vendor is given: the request, and a mark that only we can make. */
export function callbackToken(key: Buffer, requestId: bigint): string {
  return Buffer.concat([idOf(requestId), markOf(key, requestId)]).toString("base64url");
}

/** The request that a token names; undefined: none of these keys has made it. */
export function requestOfToken(keys: Iterable<Buffer>, token: string): bigint | undefined {
  if (!tokenForm.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  const requestId = bytes.readBigUInt64BE();
  for (const key of keys) {
    if (timingSafeEqual(bytes.subarray(idBytes), markOf(key, requestId))) return requestId;
  }
  return undefined;
}

function idOf(requestId: bigint): Buffer {
  const bytes = Buffer.alloc(idBytes);
  bytes.writeBigUInt64BE(requestId);
  return bytes;
}

/** The key's other use is another algorithm on other bytes; the words keep the two apart all the same. */
function markOf(key: Buffer, requestId: bigint): Buffer {
  const mark = createHmac("sha256", key).update("callback of a vendor for job ").update(requestId.toString()).digest();
  return mark.subarray(0, markBytes);
}
