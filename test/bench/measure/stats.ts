/** A figure of several rounds. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: readonly number[];
}

/** The median of the rounds with its spread. */
export function figure(rounds: readonly number[]): Figure {
  const sorted = rounds.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1
      ? (sorted[middle] ?? Number.NaN)
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? 0)) / 2;
  return { median, low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN, rounds };
}

/** Ratios of two figures, round by round: what disturbs a round disturbs both. */
export function ratio(of: readonly number[], to: readonly number[]): Figure {
  return figure(of.map((value, index) => value / (to[index] ?? Number.NaN)));
}
