/** Counts the requests that run in a process, for all its threads: the memory of one is handed to the others. */
export interface RequestCount {
  readonly memory: SharedArrayBuffer;
  begun(): void;
  ended(): void;
  /** Requests that run. */
  running(): number;
  /** When the last one ended, as `sharedNowMs` tells it; the distant past where none has. */
  lastEndedMs(): number;
}

const bytes = { lastEnded: 0, running: 8, whole: 16 } as const;

const [seconds, nanoseconds] = process.hrtime();
/** A thread's `performance.now` counts from the start of that thread. */
const offsetMs = seconds * 1_000 + nanoseconds / 1e6 - performance.now();

/** Milliseconds of a monotonic clock that is the same in all threads. */
export function sharedNowMs(): number {
  return performance.now() + offsetMs;
}

/** Creates a count. */
export function createRequestCount(nowMs: () => number = sharedNowMs): RequestCount {
  const memory = new SharedArrayBuffer(bytes.whole);
  new Float64Array(memory, bytes.lastEnded, 1)[0] = Number.NEGATIVE_INFINITY;
  return joinRequestCount(memory, nowMs);
}

/** The count of another thread, whose memory this is. */
export function joinRequestCount(memory: SharedArrayBuffer, nowMs: () => number = sharedNowMs): RequestCount {
  const lastEnded = new Float64Array(memory, bytes.lastEnded, 1);
  const running = new Int32Array(memory, bytes.running, 1);
  return {
    memory,
    begun() {
      Atomics.add(running, 0, 1);
    },
    ended() {
      Atomics.sub(running, 0, 1);
      lastEnded[0] = nowMs();
    },
    running: () => Atomics.load(running, 0),
    lastEndedMs: () => lastEnded[0] ?? Number.NEGATIVE_INFINITY,
  };
}
