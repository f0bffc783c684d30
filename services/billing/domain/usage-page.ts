import type { Span } from "./usage-cover.ts";

/** Where a name stands among all names. */
export interface NameRank {
  readonly charged: bigint;
  readonly name: string;
  readonly other: boolean;
}

/**
 * Gives as many of the first names as have no more sums than a page may have between them, and at least one.
 *
 * @param names each with the most sums that it can have.
 */
export function fitting<T extends { readonly sums: number }>(names: readonly T[], mostSums: number): readonly T[] {
  let sums = 0;
  const end = names.findIndex((name, i) => {
    sums += name.sums;
    return i > 0 && sums > mostSums;
  });
  return end === -1 ? names : names.slice(0, end);
}

const shortestHours: Readonly<Record<Span, number>> = { hour: 1, day: 24, month: 28 * 24 };
/** Hours that a span has at most. */
export const longestHours: Readonly<Record<Span, number>> = { hour: 1, day: 24, month: 31 * 24 };

/** How many sums by a step a sum that is kept for a span may be divided into. */
export function mostWithin(span: Span, step: Span | undefined): number {
  return step === undefined ? 1 : Math.max(1, Math.floor(longestHours[span] / shortestHours[step]));
}

/** What is known of a name before its sums are read. */
export interface NameSize {
  readonly requests: bigint;
  /** What the sums that make it up may be divided into, and the hours from the start of the first to the end of the last of them. */
  readonly most: bigint;
  readonly hours: number;
}

/** How many sums by a step a name has at most. Late charges, which are no requests, may add some; the size of a page bears them. */
export function mostSumsOf({ requests, most, hours }: NameSize, step: Span | undefined): number {
  if (step === undefined) return 1;
  const byTime = step === "hour" ? hours : Math.ceil(hours / shortestHours[step]) + 1;
  return Math.max(1, Math.min(Number(most), byTime, Number(requests)));
}
