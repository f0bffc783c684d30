/**
 * How many end users, and as many tags, of an account are told apart in a step of so many milliseconds: those whose requests came
 * first. All others of that step are one group, so that no client makes an answer as long as it likes. As sums of usage in billing have it.
 */
const mostInStep: Readonly<Record<number, number>> = { 60000: 1_000, 3600000: 1_000, 86400000: 5_000 };

/** The bound for a step. */
export function mostLabelsIn(stepMs: number): number {
  return mostInStep[stepMs] ?? 1_000;
}

/** Points of one answer that are grouped by label; one more says that there are more. */
export const mostLabelPoints = 50_000;
