import { InvalidArgumentError } from "commander";
import { parseUsd } from "../shared/money/usd.ts";

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time such as 90s, 30m, 24h, 7d or 0, in milliseconds. */
export function durationMs(text: string): number {
  if (text === "0") return 0;
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = units[unit];
  if (count === undefined || unitMs === undefined) throw new InvalidArgumentError("Use a time such as 30m, 24h or 7d.");
  return Number(count) * unitMs;
}

/** A date, perhaps with a time of the day, perhaps with its zone. */
const moment = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A point in time as ISO 8601: a date, a date with a time, or how long ago (24h, 7d). */
export function time(text: string): string {
  if (isLength(text)) return new Date(Date.now() - durationMs(text)).toISOString();
  const dated = dateOf(text);
  if (dated === undefined) {
    throw new InvalidArgumentError("Use 2026-11-21, 2026-11-21T10:00:00Z, or how long ago: 24h, 7d.");
  }
  return dated.toISOString();
}

/** A point in time to come as ISO 8601: a date, a date with a time, or in how long (24h, 90d). */
export function timeToCome(text: string): string {
  const dated = isLength(text) ? new Date(Date.now() + durationMs(text)) : dateOf(text);
  if (dated === undefined) {
    throw new InvalidArgumentError("Use 2027-01-01, 2027-01-01T10:00:00Z, or in how long: 24h, 90d.");
  }
  if (dated.getTime() <= Date.now()) throw new InvalidArgumentError("That is past.");
  return dated.toISOString();
}

function isLength(text: string): boolean {
  return /^\d+[smhd]$/.test(text);
}

/**
 * A date of the calendar, perhaps with a time; undefined for what is none. Without a zone it is UTC, as a date alone is and all that is
 * shown, whatever the zone of this machine. JavaScript reads 31 November as 1 December, and much that is no ISO 8601.
 */
function dateOf(text: string): Date | undefined {
  const [, day, clock = "00:00", zone = "Z"] = moment.exec(text) ?? [];
  const [midnight, dated] = [Date.parse(`${day}T00:00:00Z`), Date.parse(`${day}T${clock}${zone.toUpperCase()}`)];
  if (day === undefined || Number.isNaN(midnight) || Number.isNaN(dated)) return undefined;
  return new Date(midnight).toISOString().startsWith(day) ? new Date(dated) : undefined;
}

/** An amount in US dollars. */
export function usd(text: string): string {
  try {
    parseUsd(text);
    return text;
  } catch {
    throw new InvalidArgumentError("Use an amount in US dollars with at most nine decimals, such as 12.50.");
  }
}

/** A whole number that is not negative. */
export function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Use a whole number.");
  return Number(text);
}

/** An option that may be given several times, or once with commas. */
export function list(text: string, before: readonly string[] = []): string[] {
  return [
    ...before,
    ...text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  ];
}
