import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import { asObject, countOf, parseJson } from "../../wire/json.ts";
import type { TokenCount } from "../adapter.ts";
import { pathTo } from "./chat/write-request.ts";
import { familyOf } from "./models.ts";

/** Fields of a request that its count takes. */
const counted = ["messages", "system", "toolConfig", "additionalModelRequestFields"] as const;
/** Regions and "global" of inference profiles: counts are asked of the model itself. */
const profile = /^(?:global|us|us-gov|eu|apac|au|jp|ca|in|il|sa|me|af)\./;

/** The count of a request that was written for this vendor. Undefined: of this model it does not count. */
export function countRequest({ body }: UpstreamMessage, model: string): TokenCount | undefined {
  if (familyOf(model).claude === undefined || model.startsWith("arn:")) return undefined;
  const request = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const converse = Object.fromEntries(counted.map((field) => [field, request[field]]));
  return {
    message: {
      path: pathTo(model.replace(profile, ""), "count-tokens"),
      headers: {},
      body: Buffer.from(JSON.stringify({ input: { converse } })),
    },
    read(answer) {
      const count = countOf(asObject(parseJson(answer.toString()))?.inputTokens);
      // Every request has an input.
      if (!count) throw new ThroughlineError("upstream_error", "The upstream's count is not one of an input.");
      return count;
    },
  };
}
