/**
 * Latencies are counted in buckets on a logarithmic scale, for buckets can be counted by several workers and added up,
 * where exact percentiles need all values sorted. 25 buckets to a factor of e: a percentile is within 2 % of the truth.
 */
export const bucketsPerE = 25;

/**
 * The latency in microseconds that the given share of requests (0 to 1) did not exceed; 0 where there are none. `counts`: how
 * many are in each bucket, floor(ln(microseconds) x bucketsPerE), by its number.
 */
export function percentileUs(counts: readonly (number | undefined)[], share: number): number {
  let total = 0;
  for (const count of counts) total += count ?? 0;
  // The rank that percentile_disc of SQL takes: the first value at or above the share.
  const rank = Math.max(1, Math.ceil(total * share));
  let passed = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    passed += counts[bucket] ?? 0;
    if (passed >= rank) return Math.exp((bucket + 0.5) / bucketsPerE);
  }
  return 0;
}
