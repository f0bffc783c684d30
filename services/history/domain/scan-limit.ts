/** Most records that one statement of a list looks at: about 50 ms. */
const mostRecords = 25_000;
/** Where all that is known of a filter is what it found so far, it may have been lucky by this factor. */
const margin = 1.5;
/** Nor are more looked at than this many times as many as by the statement before. */
const growth = 4;

/** How many records the first statement of a list looks at: a page may be had from the first it passes. */
export function firstScanLimit(limit: number): number {
  return Math.min(mostRecords, growth * limit);
}

/**
 * How many the next statement looks at, for what is missing of the page: as many as it takes if the filter goes on matching
 * as it did. So a list looks at a few times what its page needs, and a filter that matches nothing soon takes large steps.
 */
export function nextScanLimit(
  scanLimit: number,
  { passed, found, missing }: { passed: number; found: number; missing: number },
): number {
  // A time without records says nothing of the filter.
  if (passed === 0) return scanLimit;
  const expected = found === 0 ? Number.POSITIVE_INFINITY : Math.ceil((margin * missing * passed) / found);
  return Math.min(mostRecords, growth * scanLimit, Math.max(growth * missing, expected));
}
