/*
 * How amounts, times and sizes are written. Pure: a locale goes in, a text comes out.
 */

/** Writers of one locale. */
export interface Formats {
  /** US dollars, from the contract's text: "$1,234.50"; small amounts keep four digits that say something. */
  usd(amount: string): string;
  integer(value: number | bigint): string;
  /** 1234567 as "1.2M". */
  compact(value: number): string;
  /** A share of 0 to 1 as "12.3%". */
  percent(share: number): string;
  /** Milliseconds as "12 ms", "1.24 s" or "2:05 min". */
  duration(ms: number): string;
  /** Bytes as "1.2 MB". */
  bytes(count: number): string;
  /** A time as "3 min ago". */
  relative(time: string | number, nowUnixMs: number): string;
  /** A time to the second, in the reader's zone. */
  absolute(time: string | number): string;
  /** A time to the millisecond, with the zone. */
  exact(time: string | number): string;
  day(time: string | number): string;
  clock(time: string | number): string;
}

const units = [
  ["second", 1_000, 60],
  ["minute", 60_000, 60],
  ["hour", 3_600_000, 24],
  ["day", 86_400_000, 30],
  // A year is a few days longer than twelve of these months.
  ["month", 2_592_000_000, 365 / 30],
  ["year", 31_536_000_000, Number.POSITIVE_INFINITY],
] as const;

/** Makes the writers of a locale, once: to make them is dear. */
export function createFormats(locale: string, justNow: string): Formats {
  const integers = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const compacts = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const relatives = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
  const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  // Times that are compared with logs stand as there, whatever the language: 2026-11-30 07:31:15.
  const absolutes = new Intl.DateTimeFormat("sv-SE", { ...date, ...time });
  const exacts = new Intl.DateTimeFormat("sv-SE", {
    ...date,
    ...time,
    fractionalSecondDigits: 3,
    timeZoneName: "short",
  });
  const days = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  const clocks = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return {
    usd: (amount) => usdText(amount, integers),
    integer: (value) => integers.format(value),
    compact: (value) => compacts.format(value),
    percent: (share) => percents.format(share),
    duration: durationText,
    bytes: bytesText,
    relative(given, nowUnixMs) {
      const sinceMs = unixMsOf(given) - nowUnixMs;
      const size = Math.abs(sinceMs);
      if (size < 5_000) return justNow;
      const [unit, unitMs] = units.find(([, each, most]) => size < each * most) ?? units[0];
      return relatives.format(Math.trunc(sinceMs / unitMs), unit);
    },
    absolute: (given) => absolutes.format(unixMsOf(given)),
    exact: (given) => exacts.format(unixMsOf(given)),
    day: (given) => days.format(unixMsOf(given)),
    clock: (given) => clocks.format(unixMsOf(given)),
  };
}

function unixMsOf(time: string | number): number {
  return typeof time === "number" ? time : Date.parse(time);
}

function usdText(amount: string, integers: Intl.NumberFormat): string {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount) ?? [];
  const minus = sign === "-" && /[1-9]/.test(whole + fraction) ? "−" : "";
  const leading = /^0*/.exec(fraction)?.[0].length ?? 0;
  // A large amount is shown in cents, a small one with four digits after the zeros.
  const digits = whole === "0" ? Math.min(9, Math.max(2, leading + 4)) : 2;
  const cut = fraction.slice(0, digits).replace(/0+$/, "").padEnd(2, "0");
  return `${minus}$${integers.format(BigInt(whole))}.${cut}`;
}

function durationText(ms: number): string {
  if (ms < 10) return `${trimmed(ms, 2)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1_000, ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}:${pad((ms % 60_000) / 1_000)} min`;
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)}:${pad((ms % 3_600_000) / 60_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

function pad(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.?0+$/, "");
}

const sizes = ["B", "kB", "MB", "GB", "TB"] as const;

function bytesText(count: number): string {
  let value = count;
  let step = 0;
  while (value >= 1_000 && step < sizes.length - 1) {
    value /= 1_000;
    step += 1;
  }
  return `${step === 0 ? value : trimmed(value, 1)} ${sizes[step]}`;
}
