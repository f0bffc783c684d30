import { ThroughlineError } from "../../../shared/errors/error.ts";
import { createLinger, type LingerBounds } from "../../../shared/linger.ts";

/** Items on their way into the database. */
export interface Gatherer<I, A> {
  /**
   * Waits for an item's answer. Resolves to `service_unavailable` at once while more bytes wait than allowed: the sender
   * keeps the item and sends it again later, so a slow database delays and nothing is dropped. An item that is still to come
   * joins the others when it is there; nobody waits for it.
   *
   * @param isWaited somebody waits for its answer: it goes at once, with all that lingers.
   */
  accept(item: I | Promise<I>, bytes: number, isWaited?: boolean): Promise<A | ThroughlineError>;
  /** Lets go what lingers: somebody waits for it after all. */
  hurry(): void;
  /** Items accepted and not yet answered. */
  readonly waiting: number;
  /** Resolves when all that was accepted is answered. */
  drained(): Promise<void>;
}

/** How items are gathered. */
export interface GatherOptions extends LingerBounds {
  /** Most items of one batch. */
  readonly maxItems: number;
  /** Most batches at a time; what arrives meanwhile makes the next one. */
  readonly maxConcurrent: number;
  /** Most bytes that wait or are being written. */
  readonly maxBytes: number;
}

interface Waiting<I, A> {
  readonly item: I;
  readonly bytes: number;
  readonly resolve: (answer: A | ThroughlineError) => void;
}

/**
 * Gathers items of all callers into batches, and bounds the memory that they take. (The lanes' own batches are bounded in
 * items, not in bytes, and answers of a megabyte are welcome here.)
 */
export function createGatherer<I, A>(
  run: (items: readonly I[]) => Promise<readonly (A | ThroughlineError)[]>,
  { maxItems, maxConcurrent, maxBytes, lingerMs, enough }: GatherOptions,
): Gatherer<I, A> {
  let queue: Waiting<I, A>[] = [];
  let waited = false;
  let arriving = false;
  let running = 0;
  let heldBytes = 0;
  let heldItems = 0;
  const drainWaiters: (() => void)[] = [];
  const linger = createLinger({ lingerMs, enough }, startBatches);

  /** What came in one turn is all here: a batch must not begin within it. */
  function arrived(): void {
    arriving = false;
    linger.joined({ count: queue.length, waited: waited || drainWaiters.length > 0 });
  }

  function startBatches(): void {
    while (queue.length > 0 && running < maxConcurrent) {
      const batch = queue.slice(0, maxItems);
      queue = queue.slice(maxItems);
      if (queue.length === 0) waited = false;
      running++;
      void runBatch(batch);
    }
  }

  async function runBatch(batch: readonly Waiting<I, A>[]): Promise<void> {
    let answers: readonly (A | ThroughlineError)[];
    try {
      answers = await run(batch.map(({ item }) => item));
    } catch (error) {
      const failure = ThroughlineError.from(error);
      answers = batch.map(() => failure);
    }
    running--;
    for (const [index, { bytes, resolve }] of batch.entries()) {
      heldBytes -= bytes;
      heldItems--;
      resolve(answers[index] ?? new ThroughlineError("internal_error", "An internal error occurred."));
    }
    if (heldItems === 0) for (const done of drainWaiters.splice(0)) done();
    if (!linger.isLingering()) startBatches();
  }

  return {
    accept(item, bytes, isWaited = false) {
      // One item is always let in, however large: it could never come otherwise.
      if (heldItems > 0 && heldBytes + bytes > maxBytes) return Promise.resolve(overloaded());
      heldBytes += bytes;
      heldItems++;
      return new Promise((resolve) => {
        const join = (ready: I): void => {
          queue.push({ item: ready, bytes, resolve });
          waited ||= isWaited;
          if (!arriving) queueMicrotask(arrived);
          arriving = true;
        };
        if (item instanceof Promise) void item.then(join);
        else join(item);
      });
    },
    get waiting() {
      return heldItems;
    },
    drained() {
      if (heldItems === 0) return Promise.resolve();
      return new Promise((resolve) => {
        drainWaiters.push(resolve);
        linger.hurry();
      });
    },
    hurry: linger.hurry,
  };
}

function overloaded(): ThroughlineError {
  return new ThroughlineError(
    "service_unavailable",
    "Records come faster than they can be stored; send this one again.",
    {
      retryAfterMs: 500,
    },
  );
}
