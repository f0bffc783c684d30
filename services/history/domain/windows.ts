import { firstIdAt } from "../../../shared/request-id.ts";
import { higher, type IdRange } from "./times.ts";

/** Each window is this many times as long as the one before it. */
const growth = 4;

/**
 * Cuts a range of IDs into windows, newest first: the last `firstMs` before now (and all that lies after it), then ever
 * longer ones. A query asks for one window after the other until it has enough, so that page 1 of a busy account opens
 * one or two partitions instead of all of them, and an idle account's costs a handful of small statements.
 */
export function* windowsBackwards(
  range: IdRange,
  { nowMs, firstMs }: { nowMs: number; firstMs: number },
): Generator<IdRange> {
  let to = range.to;
  for (let spanMs = firstMs; to > range.from; spanMs *= growth) {
    const start = firstIdAt(Math.max(nowMs - spanMs, 0));
    const from = higher(start, range.from);
    // A range that ends before this window begins is reached by a later one.
    if (from >= to) continue;
    yield { from, to };
    to = from;
  }
}

/** The same, oldest first: the windows have the length `firstMs` and grow likewise from the range's start. */
export function* windowsForwards(
  range: IdRange,
  { nowMs, firstMs }: { nowMs: number; firstMs: number },
): Generator<IdRange> {
  const windows = [...windowsBackwards(range, { nowMs, firstMs })];
  for (const window of windows.reverse()) yield window;
}
