import type { OpenedAdapter } from "../adapter.ts";
import { type ErrorRule, httpFailure, inBandFailure } from "../openai/errors.ts";

const tooLong = /too (many tokens|long)|maximum (number of )?tokens/i;

/** What Cohere's statuses mean where they are its own (docs.cohere.com, "Errors"). */
const rules: readonly ErrorRule[] = [
  { status: 498, means: "filtered" },
  { status: 499, means: "timeout" },
  { status: 429, message: /monthly|\/ month|billing/i, means: "no_credit" },
  { status: 400, message: tooLong, means: "too_long" },
  { status: 422, message: tooLong, means: "too_long" },
];

/** What an HTTP failure of Cohere means: its errors are `{message}`. */
export const cohereFailure: OpenedAdapter["failure"] = (status, headers, body, upstreamRequestId) =>
  httpFailure(status, headers, body, upstreamRequestId, rules);

/** The failure of an error object inside an answer with status 200. */
export const cohereInBand = (error: Parameters<typeof inBandFailure>[0]) => inBandFailure(error, rules);
