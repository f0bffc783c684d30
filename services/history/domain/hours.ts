import { firstIdAt, requestIdEpochMs } from "../../../shared/request-id.ts";
import { allIds, type IdRange } from "./times.ts";

/** Hours are counted from the Unix epoch. */
export const hourMs = 3_600_000;
/** Days likewise, so they are those of UTC. */
export const dayMs = 24 * hourMs;
const hoursOfDay = 24;

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

/** The IDs of a day. */
export function idsOfDay(day: number): IdRange {
  return { from: idAtHour(day * hoursOfDay), to: idAtHour((day + 1) * hoursOfDay) };
}

/** The day that an ID lies in. */
export function dayOfId(id: bigint): number {
  return Math.floor(hourOfId(id) / hoursOfDay);
}

/** The whole days inside a range of IDs, the last one excluded. */
export function wholeDays(range: IdRange): { from: number; to: number } {
  const { from, to } = wholeHours(range);
  return { from: Math.ceil(from / hoursOfDay), to: Math.floor(to / hoursOfDay) };
}

/** The hours of some days. */
export function hoursOfDays(days: readonly number[]): number[] {
  return days.flatMap((day) => Array.from({ length: hoursOfDay }, (_, n) => day * hoursOfDay + n));
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
