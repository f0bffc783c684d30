/** What the simulator received, and what became of it. Times are Unix milliseconds with fractions. */
export interface RecordedRequest {
  /** The simulator's own ID (`req_sim_...`), as its answer's request ID header bears it. */
  readonly id: string;
  /** The caller's `x-request-id`; empty if it sent none. */
  readonly clientRequestId: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names; a name that came twice has its values joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes of the body, exactly. */
  readonly body: Buffer;
  readonly receivedAtMs: number;
  /** When the status line was written; 0 before. */
  readonly answeredAtMs: number;
  readonly status: number;
  /** When the whole answer was handed to the socket; 0 before, and for ever if it was cut. */
  readonly finishedAtMs: number;
  /** When the caller closed the socket before the answer was complete; 0 if it did not. */
  readonly clientClosedAtMs: number;
  /** UTF-16 units of body handed to the socket so far: stands still while the reader is slow. */
  readonly sentUnits: number;
}

/** The mutable side of a record, kept cheap: headers are turned into an object only when somebody looks. */
export interface RequestEntry {
  id: string;
  clientRequestId: string;
  method: string;
  path: string;
  rawHeaders: readonly string[];
  body: Buffer;
  receivedAtMs: number;
  answeredAtMs: number;
  status: number;
  finishedAtMs: number;
  clientClosedAtMs: number;
  sentUnits: number;
}

/** Keeps the last requests, and tells who waits for one. */
export interface Recorder {
  /** A complete request has arrived. */
  add(entry: RequestEntry): void;
  /** The caller closed the socket early. */
  closed(entry: RequestEntry): void;
  /** Oldest first. */
  list(): RecordedRequest[];
  clear(): void;
  /** Resolves with the first record, past or future, that has this ID (the simulator's or the caller's). */
  nextRequest(id: string): Promise<RecordedRequest>;
  /** Resolves when the caller closes the socket of that request before its answer is complete. */
  nextClose(id: string): Promise<RecordedRequest>;
}

/** The clock of the records. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

interface Waiter {
  readonly id: string;
  readonly settled: (entry: RequestEntry) => boolean;
  readonly resolve: (record: RecordedRequest) => void;
}

/** Keeps at most `maxRequests` records and `maxBodyBytes` of bodies; the oldest go first. */
export function createRecorder(limits: { maxRequests: number; maxBodyBytes: number }): Recorder {
  let entries: RequestEntry[] = [];
  let first = 0;
  let bodyBytes = 0;
  let waiters: Waiter[] = [];

  const trim = () => {
    while (
      entries.length - first > 1 &&
      (entries.length - first > limits.maxRequests || bodyBytes > limits.maxBodyBytes)
    ) {
      bodyBytes -= entries[first]?.body.length ?? 0;
      first += 1;
    }
    // Moving the array once for many requests keeps the cost of a request constant.
    if (first > limits.maxRequests) {
      entries = entries.slice(first);
      first = 0;
    }
  };
  const tell = (entry: RequestEntry) => {
    if (waiters.length === 0) return;
    const [ready, waiting] = [[] as Waiter[], [] as Waiter[]];
    for (const waiter of waiters) (matches(entry, waiter.id) && waiter.settled(entry) ? ready : waiting).push(waiter);
    waiters = waiting;
    for (const waiter of ready) waiter.resolve(toRecord(entry));
  };
  const wait = (id: string, settled: (entry: RequestEntry) => boolean) =>
    new Promise<RecordedRequest>((resolve) => {
      const found = entries.slice(first).find((entry) => matches(entry, id) && settled(entry));
      if (found === undefined) waiters.push({ id, settled, resolve });
      else resolve(toRecord(found));
    });

  return {
    add(entry) {
      entries.push(entry);
      bodyBytes += entry.body.length;
      trim();
      tell(entry);
    },
    closed: tell,
    list: () => entries.slice(first).map(toRecord),
    clear() {
      entries = [];
      first = 0;
      bodyBytes = 0;
    },
    nextRequest: (id) => wait(id, () => true),
    nextClose: (id) => wait(id, (entry) => entry.clientClosedAtMs > 0),
  };
}

function matches(entry: RequestEntry, id: string): boolean {
  return entry.id === id || entry.clientRequestId === id;
}

function toRecord(entry: RequestEntry): RecordedRequest {
  const { rawHeaders, ...rest } = entry;
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { ...rest, headers };
}
