import { firstIdAt, maxRequestIdMs, requestIdEpochMs, toParts } from "../../../shared/request-id.ts";

/** A range of request IDs. */
export interface IdRange {
  /** Lowest ID in it. */
  readonly from: bigint;
  /** Lowest ID no longer in it. */
  readonly to: bigint;
}

/** All IDs. */
export const allIds: IdRange = { from: 0n, to: (1n << 63n) - 1n };

const usPerMs = 1_000n;

/**
 * Microseconds of a request's creation beyond the millisecond of its ID, 0 to 999. The ID says when a request was
 * created; what the record says beside it only refines that, so that a filter on time is a range of IDs.
 */
export function createdWithinMs(requestId: bigint, createdUnixUs: bigint): number {
  const offset = createdUnixUs - BigInt(toParts(requestId).unixMs) * usPerMs;
  return Number(offset < 0n ? 0n : offset > 999n ? 999n : offset);
}

/** Unix microseconds of a request's creation. */
export function createdUnixUs(requestId: bigint, withinMs: number): bigint {
  return BigInt(toParts(requestId).unixMs) * usPerMs + BigInt(withinMs);
}

/** IDs created at or after `fromUnixMs` and before `toUnixMs`; 0 is no bound. */
export function idsBetween(fromUnixMs: bigint, toUnixMs: bigint): IdRange {
  return {
    from: fromUnixMs <= 0n ? allIds.from : firstId(fromUnixMs),
    to: toUnixMs <= 0n ? allIds.to : firstId(toUnixMs),
  };
}

/** The lowest ID of a time, or of the first that there can be IDs of. */
export function firstId(unixMs: bigint): bigint {
  if (unixMs > BigInt(maxRequestIdMs)) return allIds.to;
  return unixMs < BigInt(requestIdEpochMs) ? allIds.from : firstIdAt(Number(unixMs));
}

/** The higher of two IDs. */
export function higher(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}

/** The lower of two IDs. */
export function lower(a: bigint, b: bigint): bigint {
  if (b < a) return b;
  return a;
}
