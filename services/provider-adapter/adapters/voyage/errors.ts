import type { OpenedAdapter } from "../adapter.ts";
import { type ErrorRule, httpFailure, inBandFailure } from "../openai/errors.ts";

/** What Voyage's words mean where they are its own (docs.voyageai.com, "Error Codes"). */
const rules: readonly ErrorRule[] = [
  { message: /payment method|billing|free tokens/i, status: 429, means: "no_credit" },
  {
    message: /token limit|too many tokens|max(imum)? (number of |allowed )?tokens|exceeds? .*tokens/i,
    status: 400,
    means: "too_long",
  },
];

/** What an HTTP failure of Voyage means: its errors are `{detail}`. */
export const voyageFailure: OpenedAdapter["failure"] = (status, headers, body, upstreamRequestId) =>
  httpFailure(status, headers, body, upstreamRequestId, rules);

/** The failure of an error object inside an answer with status 200. */
export const voyageInBand = (error: Parameters<typeof inBandFailure>[0]) => inBandFailure(error, rules);
