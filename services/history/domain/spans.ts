import { firstIdAt } from "../../../shared/request-id.ts";
import { allIds, higher, type IdRange, lower } from "./times.ts";

/** What is found by the way of few records is looked for in ranges of IDs; a range is at most this many times as long as the one before. */
const growth = 16n;
const shortestSpan = 60_000n << 22n;

/** The part of a range that a list in this direction comes to first. */
export function nearest({ from, to }: IdRange, span: bigint, ascending: boolean): IdRange {
  return ascending ? { from, to: lower(to, from + span) } : { from: higher(from, to - span), to };
}

/** The ID after which a list goes on that has done with a range. */
export function lastOf({ from, to }: IdRange, ascending: boolean): bigint {
  return ascending ? to - 1n : from;
}

/** The IDs that a list in this direction comes to after one. */
export function beyond(id: bigint, ascending: boolean): IdRange {
  return ascending ? { from: id + 1n, to: allIds.to } : { from: allIds.from, to: id };
}

/** How far a list has come in a range, with `last`. */
export function passedSpan(
  { from, to }: IdRange,
  { last, ascending, nowMs }: { last: bigint; ascending: boolean; nowMs: number },
): bigint {
  const span = ascending ? last - from : lower(to, firstIdAt(nowMs)) - last;
  return higher(span, shortestSpan);
}

/** The next one is as long as it takes for what is missing of the page, if it has as many as the one before. */
export function nextSpan(span: bigint, { found, missing }: { found: number; missing: number }): bigint {
  if (found === 0) return growth * span;
  const expected = (3n * span * BigInt(missing)) / (2n * BigInt(found));
  return higher(lower(expected, growth * span), shortestSpan);
}

/** The length of a range. */
export function spanOf({ from, to }: IdRange): bigint {
  return to - from;
}

/** The next one where one had more than could be put in order. */
export function shorterSpan(span: bigint): bigint {
  return higher(span / growth, 1n);
}
