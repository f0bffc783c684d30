import type { Log } from "../../../shared/log.ts";

/** What a look at the rows has brought. */
export interface Taken {
  /** Steps that are begun now. None of them throws. */
  readonly steps: readonly (() => Promise<void>)[];
  /** Milliseconds to the next look, where nobody asks for one before. */
  readonly pauseMs: number;
}

/** Steps of work that run at the same time, up to a bound. */
export interface Pool {
  /** Something may be to be done at once. */
  wake(): void;
  /** Steps that run now. */
  readonly running: number;
  /** Begins no more, and waits for those that run. */
  stop(): Promise<void>;
}

/** What could not be read is read again after this. */
const retryMs = 1_000;

/** Looks for work where there is room for it, and runs what it finds. `take` is given the room. */
export function startPool(
  log: Pick<Log, "warn">,
  { atOnce, take }: { readonly atOnce: number; readonly take: (room: number) => Promise<Taken> },
): Pool {
  const running = new Set<Promise<void>>();
  let stopped = false;
  let awake = true;
  let wake: (() => void) | undefined;

  async function loop(): Promise<void> {
    while (!stopped) {
      awake = false;
      const pauseMs = await look().catch((error: unknown) => {
        log.warn({ err: error }, "jobs could not be read; they are looked at again");
        return retryMs;
      });
      if (!stopped && !awake && pauseMs > 0) await pause(pauseMs);
    }
  }

  /** Starts what is to be done; gives the time to the next look. */
  async function look(): Promise<number> {
    const room = atOnce - running.size;
    if (room === 0) {
      await Promise.race([...running, woken()]);
      return 0;
    }
    const { steps, pauseMs } = await take(room);
    for (const step of steps) {
      const work: Promise<void> = step().finally(() => {
        running.delete(work);
      });
      running.add(work);
    }
    return pauseMs;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** A pool that is full and told to stop waits for nobody's end here. */
  function woken(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }

  const ended = loop();
  return {
    wake() {
      awake = true;
      wake?.();
    },
    get running() {
      return running.size;
    },
    async stop() {
      stopped = true;
      wake?.();
      await ended;
      await Promise.allSettled(running);
    },
  };
}
