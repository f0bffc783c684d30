import { parseRequestId } from "../../../shared/request-id.ts";
import { allIds, higher, type IdRange, lower } from "./times.ts";

const maxDigits = 19;

/**
 * The ranges of IDs that a text stands for, newest first: one ID where it is a whole stamped one, all IDs whose decimal
 * spelling begins with it where it is digits, none otherwise.
 */
export function idRangesOf(text: string): IdRange[] {
  if (/^[1-9]\d*$/.test(text) && text.length <= maxDigits) {
    const ranges: IdRange[] = [];
    for (let length = maxDigits; length >= text.length; length--) {
      const scale = 10n ** BigInt(length - text.length);
      const from = BigInt(text) * scale;
      const to = from + scale;
      if (from < allIds.to) ranges.push({ from, to: to < allIds.to ? to : allIds.to });
    }
    return ranges;
  }
  const id = parseRequestId(text);
  return id === undefined || id === 0n ? [] : [{ from: id, to: id + 1n }];
}

/** What two ranges share; undefined: nothing. */
export function intersect(a: IdRange, b: IdRange): IdRange | undefined {
  const from = higher(a.from, b.from);
  const to = lower(a.to, b.to);
  return from < to ? { from, to } : undefined;
}
