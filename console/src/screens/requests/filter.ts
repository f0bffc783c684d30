import type { RouterInputs, RouterOutputs } from "@throughline/client";

/** A request as a list has it. */
export type Row = RouterOutputs["requests"]["list"]["requests"][number];
/** What the gateway is asked for. */
export type ListFilter = NonNullable<Extract<RouterInputs["requests"]["list"], object>["filter"]>;

/** Filters that are a text in the address and in the contract alike. */
export const textFilters = ["model", "channel", "key_id", "end_user", "tag"] as const;
/** How far back a list goes, in milliseconds; undefined: as far as there is. */
export const ranges = {
  "15m": 900_000,
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
  all: undefined,
} as const;
/** Name of a range. */
export type Range = keyof typeof ranges;

/** States that one may filter by. */
export const statuses = ["failed", "succeeded", "processing"] as const satisfies readonly Row["status"][];

/** The range in an address. */
export function rangeOf(params: URLSearchParams): Range {
  const given = params.get("range") ?? "";
  return Object.hasOwn(ranges, given) ? (given as Range) : "24h";
}

/**
 * The filter in an address; what it does not know is passed over.
 *
 * @param errorCodes codes of the catalogue.
 * @param nowUnixMs what ranges are counted back from. It is the start of the list, not of each page, or pages would move.
 */
export function filterOf(params: URLSearchParams, errorCodes: readonly string[], nowUnixMs: number): ListFilter {
  const filter: ListFilter = {};
  for (const name of textFilters) {
    const value = params.get(name)?.trim() ?? "";
    if (value !== "" && (name !== "key_id" || /^[1-9]\d{0,17}$/.test(value))) filter[name] = value;
  }
  const account = params.get("account_id") ?? "";
  if (/^[1-9]\d{0,17}$/.test(account)) filter.account_id = account;
  const status = statuses.find((one) => one === params.get("status"));
  if (status !== undefined) filter.statuses = [status];
  const error = params.get("error_code") ?? "";
  if (errorCodes.includes(error)) filter.error_code = error as NonNullable<ListFilter["error_code"]>;
  const range = ranges[rangeOf(params)];
  if (range !== undefined) filter.from = new Date(nowUnixMs - range).toISOString();
  return filter;
}

/** The time within which this share of the requests ended; undefined: none has. @param share 0 to 1. */
export function percentile(durationsMs: readonly number[], share: number): number | undefined {
  const sorted = durationsMs.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
