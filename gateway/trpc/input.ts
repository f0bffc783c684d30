import { z } from "zod";
import { parseUsd } from "../../shared/money/usd.ts";
import { parseRequestId } from "../../shared/request-id.ts";

/*
 * What several routers take. Names are those of the platform's other JSON (snake_case); IDs are strings, money is a
 * string of US dollars, times are ISO 8601.
 */

const maxInt64 = 9_223_372_036_854_775_807n;

/** A text. PostgreSQL keeps none with U+0000, so nothing is called by one and none is looked for. */
export const text = z.string().refine((value) => !value.includes("\0"), "must not contain a NUL character");

/** ID of an account or a key. */
export const id = z
  .string()
  .regex(/^[1-9]\d{0,18}$/, "must be an ID, a string of digits")
  .transform((digits) => BigInt(digits))
  .refine((value) => value <= maxInt64, "is no ID");

/** A request ID in either spelling. */
export const requestId = text.transform((given, context) => {
  const value = parseRequestId(given);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: "must be a request ID" });
  return z.NEVER;
});

/** An amount in US dollars, exact to a nano-dollar; may be negative. */
export const usd = z
  .string()
  .regex(/^-?\d{1,9}(\.\d{1,9})?$/, "must be an amount in US dollars, a string such as '12.50'")
  .transform(parseUsd);

/** An amount in US dollars that is not negative. */
export const positiveUsd = usd.refine((value) => value >= 0n, "must not be negative");

/** A point in time, as Unix milliseconds. */
export const time = z.iso
  .datetime({ offset: true, error: "must be a time such as 2026-11-21T00:00:00Z" })
  .transform((text) => BigInt(Date.parse(text)));

/** When something ends. To the services 0 is "never", which an end in 1970 must not become. */
export const expiry = time.refine((unixMs) => unixMs > 0n, "must be after 1970-01-01T00:00:00Z");

/** Length of a page. */
export const limit = z.int().min(1).max(1_000);

/**
 * Which way a list by cursor is read: TanStack Query's endless lists (`infiniteQueryOptions`) say it with each page. There is one way: the
 * cursor of an answer leads on.
 */
export const direction = z.literal("forward", "must be 'forward': a list by cursor is read one way").optional();

/** A name of something. */
export const name = text.min(1).max(200);

/** How long a key's old secret goes on to work beside its new one, in milliseconds. */
export const overlapMs = z
  .int()
  .min(0)
  .max(30 * 86_400_000);

const uint32 = z.int().min(0).max(4_294_967_295);

/** Limits of a key or an account; what is left out is not limited. */
export const limits = z
  .strictObject({
    requests_per_minute: uint32.default(0),
    tokens_per_minute: z.int().min(0).default(0),
    concurrent_requests: uint32.default(0),
    concurrent_jobs: uint32.default(0),
    daily_budget_usd: positiveUsd.optional(),
    monthly_budget_usd: positiveUsd.optional(),
  })
  .transform((given) => ({
    requestsPerMinute: given.requests_per_minute,
    tokensPerMinute: BigInt(given.tokens_per_minute),
    concurrentRequests: given.concurrent_requests,
    concurrentJobs: given.concurrent_jobs,
    dailyBudgetNanoUsd: given.daily_budget_usd ?? 0n,
    monthlyBudgetNanoUsd: given.monthly_budget_usd ?? 0n,
  }));
