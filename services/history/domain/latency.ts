/**
 * Latencies are counted in buckets on a logarithmic scale, for buckets can be counted by several workers and added up,
 * where exact percentiles need all values sorted. 25 buckets to a factor of e: a percentile is within 2 % of the truth.
 */
export const bucketsPerE = 25;

/** A bucket and how many requests are in it. */
export interface LatencyBucket {
  /** floor(ln(microseconds) x bucketsPerE) */
  readonly bucket: number;
  readonly count: bigint;
}

/** The latency in microseconds that the given share of requests (0 to 1) did not exceed; 0 where there are none. */
export function percentileUs(buckets: readonly LatencyBucket[], share: number): number {
  const ascending = [...buckets].sort((a, b) => a.bucket - b.bucket);
  const total = ascending.reduce((sum, { count }) => sum + count, 0n);
  // The rank that percentile_disc of SQL takes: the first value at or above the share.
  const rank = BigInt(Math.max(1, Math.ceil(Number(total) * share)));
  let passed = 0n;
  for (const { bucket, count } of ascending) {
    passed += count;
    if (passed >= rank) return Math.exp((bucket + 0.5) / bucketsPerE);
  }
  return 0;
}
