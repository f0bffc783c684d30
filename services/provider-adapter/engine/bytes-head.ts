import type { BytesHead } from "../domain/exchange.ts";
import type { ResponseHeaders } from "../upstream/request.ts";

/** Whether an answer with this status can be bytes. */
export function carriesBytes(status: number): boolean {
  return status === 200 || status === 206;
}

/** What the head of an answer says of its bytes. */
export function bytesHeadOf(status: number, contentType: string, headers: ResponseHeaders): BytesHead {
  const range = headers["content-range"];
  return {
    contentType,
    contentLength: lengthOf(headers),
    ...(status === 206 && typeof range === "string" ? { status, contentRange: range } : {}),
  };
}

/** The length that a head announces of a body that is sent as it is; undefined: none. */
function lengthOf(headers: ResponseHeaders): number | undefined {
  const length = Number(headers["content-encoding"] === undefined ? headers["content-length"] : Number.NaN);
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}
