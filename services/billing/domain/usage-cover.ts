/** A stretch of time that sums are kept for. */
export type Span = "hour" | "day" | "month";

/** Whole spans, one after the other; hours are counted from 1970-01-01, UTC. */
export interface Stretch {
  readonly span: Span;
  readonly fromHour: number;
  /** Exclusive. */
  readonly toHour: number;
}

/** What makes up a range of time. */
export interface Cover {
  /** Ranges of less than the shortest span at the ends, Unix milliseconds: [from, to). */
  readonly edges: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** All between them. */
  readonly stretches: readonly Stretch[];
  /** The hours that the stretches have together: [from, to); equal where there are none. */
  readonly fromHour: number;
  readonly toHour: number;
}

const hourMs = 3_600_000;

/** First hour at or after, or last hour at or before, at which a span begins. */
type Bound = "first" | "last";

const begins: Readonly<Record<Span, (hour: number, bound: Bound) => number>> = {
  hour: (hour) => hour,
  day: (hour, bound) => (bound === "first" ? Math.ceil(hour / 24) : Math.floor(hour / 24)) * 24,
  month(hour, bound) {
    const date = new Date(hour * hourMs);
    const monthMs = (plus: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + plus, 1);
    const startHour = monthMs(0) / hourMs;
    return bound === "last" || startHour === hour ? startHour : monthMs(1) / hourMs;
  },
};

/**
 * Covers a range with as few spans as there may be: the longest ones in the middle, shorter ones towards the ends.
 *
 * @param spans what sums are kept for, the longest first. None: all of it is an edge.
 */
export function coverOf(fromMs: number, toMs: number, spans: readonly Span[]): Cover {
  const last = spans.at(-1);
  if (last === undefined) return { edges: edge(fromMs, toMs), stretches: [], fromHour: 0, toHour: 0 };
  const shortest = begins[last];
  const fromHour = shortest(Math.ceil(fromMs / hourMs), "first");
  const toHour = shortest(Math.floor(toMs / hourMs), "last");
  if (fromHour >= toHour) return { edges: edge(fromMs, toMs), stretches: [], fromHour, toHour: fromHour };
  return {
    edges: [...edge(fromMs, fromHour * hourMs), ...edge(toHour * hourMs, toMs)],
    stretches: stretchesOf(fromHour, toHour, spans),
    fromHour,
    toHour,
  };
}

/** The end of the month that the moment before a time is in. */
export function endOfMonth(unixMs: number): number {
  const date = new Date(unixMs - 1);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function edge(fromMs: number, toMs: number): Cover["edges"] {
  return fromMs < toMs ? [{ fromMs, toMs }] : [];
}

function stretchesOf(fromHour: number, toHour: number, [span, ...shorter]: readonly Span[]): Stretch[] {
  if (span === undefined || fromHour >= toHour) return [];
  const first = begins[span](fromHour, "first");
  const last = begins[span](toHour, "last");
  if (first >= last) return stretchesOf(fromHour, toHour, shorter);
  return [
    ...stretchesOf(fromHour, first, shorter),
    { span, fromHour: first, toHour: last },
    ...stretchesOf(last, toHour, shorter),
  ];
}

const lengths: readonly Span[] = ["hour", "day", "month"];

/** Those spans that are no longer than a step. */
export function within(spans: readonly Span[], step: Span | undefined): readonly Span[] {
  return step === undefined ? spans : spans.filter((span) => lengths.indexOf(span) <= lengths.indexOf(step));
}
