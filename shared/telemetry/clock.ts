/** Wall time for spans: milliseconds since 1970 with microsecond steps, never running back within a span. */
export interface SpanClock {
  /** The monotonic reading to keep as a span's start or end, in milliseconds. */
  nowMs(): number;
  /** Milliseconds to add to a reading to get wall time. Read once a span, so that start and end agree. */
  offsetMs(): number;
}

/** How far wall time may drift from the readings before the offset is set anew (NTP steps, suspended machines). */
const maxDriftMs = 3;
/** Readings between two looks at the wall clock. */
const checkEvery = 1024;

/** Creates the clock. Date.now alone has steps of a millisecond: too coarse for spans of 100 us. */
export function createSpanClock(wallMs: () => number = Date.now): SpanClock {
  let offset = performance.timeOrigin;
  let readings = 0;
  return {
    nowMs: () => performance.now(),
    offsetMs() {
      if (readings++ % checkEvery === 0) {
        const wanted = wallMs() - performance.now();
        if (Math.abs(wanted - offset) > maxDriftMs) offset = wanted;
      }
      return offset;
    },
  };
}
