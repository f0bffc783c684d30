import { firstIdAt, requestIdEpochMs } from "../../../shared/request-id.ts";
import { allIds, type IdRange } from "./times.ts";

/** Hours are counted from the Unix epoch. */
export const hourMs = 3_600_000;

/** The IDs of an hour. */
export function idsOfHour(hour: number): IdRange {
  return { from: idAtHour(hour), to: idAtHour(hour + 1) };
}

/** The hour that an ID lies in. */
export function hourOfId(id: bigint): number {
  return Math.floor((Number(id >> 22n) + requestIdEpochMs) / hourMs);
}

/** The whole hours inside a range of IDs, the last one excluded. */
export function wholeHours({ from, to }: IdRange): { from: number; to: number } {
  const first = hourOfId(from);
  return { from: idAtHour(first) < from ? first + 1 : first, to: hourOfId(to) };
}

/** What of a range is left without some hours, in ascending order. */
export function withoutHours(range: IdRange, hours: readonly number[]): IdRange[] {
  const left: IdRange[] = [];
  let { from } = range;
  for (const hour of [...hours].sort((a, b) => a - b)) {
    const taken = idsOfHour(hour);
    if (taken.from > from) left.push({ from, to: taken.from });
    from = taken.to;
  }
  if (from < range.to) left.push({ from, to: range.to });
  return left;
}

function idAtHour(hour: number): bigint {
  return hour * hourMs <= requestIdEpochMs ? allIds.from : firstIdAt(hour * hourMs);
}
