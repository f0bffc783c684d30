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

const hoursOf: Readonly<Record<Span, number>> = { hour: 1, day: 24, month: 28 * 24 };

/** What is known of a name before its sums are read. */
export interface NameSize {
  readonly requests: bigint;
  /** Kept sums that make it up, and the hours between the starts of the first and the last of them. */
  readonly cells: bigint;
  readonly hours: number;
}

/**
 * How many sums a name has at most: a late charge may add one, which the size of a page bears.
 *
 * @param counted the stretches that its kept sums were counted by. @param step those that sums are asked for.
 */
export function mostSumsOf({ requests, cells, hours }: NameSize, counted: Span | undefined, step: Span | undefined) {
  if (counted === undefined || step === undefined) return 1;
  const each = hoursOf[counted] / hoursOf[step];
  const byTime = (hours + hoursOf[counted]) / hoursOf[step];
  return Math.ceil(Math.min(Number(cells) * each, byTime, each > 1 ? Number(requests) : Number.POSITIVE_INFINITY));
}
