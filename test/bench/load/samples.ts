/** Numbers that came in, for percentiles. */
export interface Samples {
  add(value: number): void;
  readonly count: number;
  /** The value at a share of the sorted samples (0.5: median); NaN of none. */
  at(share: number): number;
}

/** Collects numbers in typed blocks: no object a sample, so that the load makes no garbage. */
export function createSamples(): Samples {
  let values = new Float64Array(4_096);
  let count = 0;
  let sorted: Float64Array | undefined;
  return {
    add(value) {
      if (count === values.length) {
        const larger = new Float64Array(count * 2);
        larger.set(values);
        values = larger;
      }
      values[count] = value;
      count += 1;
      sorted = undefined;
    },
    get count() {
      return count;
    },
    at(share) {
      if (count === 0) return Number.NaN;
      sorted ??= values.slice(0, count).sort();
      return sorted[Math.min(count - 1, Math.floor(share * count))] ?? Number.NaN;
    },
  };
}
