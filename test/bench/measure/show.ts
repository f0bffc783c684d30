import type { Figure } from "./stats.ts";

/** A figure with so many digits, and its spread where that shows. */
export function show({ median, low, high }: Figure, digits: number): string {
  const of = (value: number): string => value.toFixed(digits);
  return of(low) === of(high) ? of(median) : `${of(median)} (${of(low)} to ${of(high)})`;
}
