/** Something that ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/** A place in the queue of deadlines. Opaque: give it back to `remove`. */
export interface DeadlineEntry {
  readonly owner: Expiring;
  readonly atMs: number;
  queue: DeadlineQueue | undefined;
  previous: DeadlineEntry | undefined;
  next: DeadlineEntry | undefined;
}

interface DeadlineQueue {
  head: DeadlineEntry | undefined;
  tail: DeadlineEntry | undefined;
  armed: boolean;
}

/** Many deadlines on few timers. */
export interface Deadlines {
  /** Calls `owner.expire()` in `timeoutMs` (at most 1/64 later, never sooner), unless removed. */
  add(owner: Expiring, timeoutMs: number): DeadlineEntry;
  /** Forgets an entry; a repeat, or one that has expired, is fine. */
  remove(entry: DeadlineEntry): void;
}

/**
 * Entries of (nearly) the same duration form a queue that is sorted by itself, so adding and removing cost a few pointer
 * writes and a queue needs one timer, however many calls wait. A timer a call costs about 1 us to set and clear.
 */
export function createDeadlines(): Deadlines {
  const queues = new Map<number, DeadlineQueue>();

  function arm(queue: DeadlineQueue, delayMs: number): void {
    queue.armed = true;
    setTimeout(fire, Math.max(1, Math.ceil(delayMs)), queue).unref();
  }

  function fire(queue: DeadlineQueue): void {
    const nowMs = performance.now();
    let entry = queue.head;
    while (entry !== undefined && entry.atMs <= nowMs) {
      unlink(entry);
      entry.owner.expire();
      entry = queue.head;
    }
    // Armed until here: what expires may add to its own queue, and a timer for that one would be late for those before it.
    queue.armed = false;
    if (queue.head !== undefined) arm(queue, queue.head.atMs - performance.now());
  }

  return {
    add(owner, timeoutMs) {
      const durationMs = roundDuration(timeoutMs);
      let queue = queues.get(durationMs);
      if (queue === undefined) {
        queue = { head: undefined, tail: undefined, armed: false };
        queues.set(durationMs, queue);
      }
      const entry: DeadlineEntry = {
        owner,
        atMs: performance.now() + durationMs,
        queue,
        previous: queue.tail,
        next: undefined,
      };
      if (queue.tail === undefined) queue.head = entry;
      else queue.tail.next = entry;
      queue.tail = entry;
      if (!queue.armed) arm(queue, durationMs);
      return entry;
    },
    remove: unlink,
  };
}

function unlink(entry: DeadlineEntry): void {
  const { queue, previous, next } = entry;
  if (queue === undefined) return;
  if (previous === undefined) queue.head = next;
  else previous.next = next;
  if (next === undefined) queue.tail = previous;
  else next.previous = previous;
  entry.queue = undefined;
  entry.previous = undefined;
  entry.next = undefined;
}

/** Longest delay a timer of Node takes. */
const maxDelayMs = 2 ** 31 - 1;

/** The duration rounded up to seven significant bits: at most 64 queues per doubling, at most 1/64 late. */
export function roundDuration(timeoutMs: number): number {
  const wholeMs = Math.min(maxDelayMs, Math.max(1, Math.ceil(timeoutMs)));
  const shift = Math.max(0, 25 - Math.clz32(wholeMs));
  const step = 2 ** shift;
  return Math.min(maxDelayMs, Math.ceil(wholeMs / step) * step);
}
