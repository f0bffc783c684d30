import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import { asObject, countOf, parseJson } from "../../wire/json.ts";
import type { TokenCount } from "../adapter.ts";

/** The count of a request that was written for this vendor: the same request, asked for its count. */
export function countRequest({ path, headers, body }: UpstreamMessage): TokenCount {
  const base = path.slice(0, path.lastIndexOf(":"));
  const model = decodeURIComponent(base.slice(base.lastIndexOf("/") + 1));
  const request = { model: `models/${model}`, ...asObject(parseJson(Buffer.from(body).toString())) };
  return {
    message: {
      path: `${base}:countTokens`,
      headers,
      body: Buffer.from(JSON.stringify({ generateContentRequest: request })),
    },
    read: readTokenCount,
  };
}

/** The count in an answer. Throws a ThroughlineError when there is none. */
export function readTokenCount(answer: Buffer): number {
  const count = countOf(asObject(parseJson(answer.toString()))?.totalTokens);
  // Every request has an input.
  if (!count) throw new ThroughlineError("upstream_error", "The upstream's count is not one of an input.");
  return count;
}
