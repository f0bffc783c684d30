import { parseRequestId } from "../../../shared/request-id.ts";

/** What answers of the dialects, and lines of batches in their results, put before the request ID to make their message ID; both separators are met in the wild. */
const messageId = /^(?:chatcmpl|cmpl|msg|resp|rerank|modr|video|job|file|batch_req|batch|msgbatch)[-_](.+)$/;

/** The request that a text names: a request ID in either spelling, or the ID of a message; undefined: neither. */
export function requestOf(text: string): bigint | undefined {
  return parseRequestId(messageId.exec(text)?.[1] ?? text);
}
