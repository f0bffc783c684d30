import type { Log } from "../../../shared/log.ts";

/** Looks for work again and again. */
export interface Loop {
  /** There may be something to be done at once. */
  wake(): void;
  /** Resolves as soon as somebody wakes the loop. */
  woken(): Promise<void>;
  /** Looks no more; resolves when the look in progress has ended. */
  stop(): Promise<void>;
}

/** What could not be looked at is looked at again after this. */
const retryMs = 1_000;

/** Starts one. @param look looks once and gives the milliseconds to the next look, where nobody asks for one before. */
export function startLoop(log: Pick<Log, "warn">, look: () => Promise<number>): Loop {
  let stopped = false;
  let awake = true;
  let wake: (() => void) | undefined;

  async function run(): Promise<void> {
    while (!stopped) {
      awake = false;
      const pauseMs = await look().catch((error: unknown) => {
        log.warn({ err: error }, "what is to be done could not be read; it is looked at again");
        return retryMs;
      });
      if (!stopped && !awake && pauseMs > 0) await pause(pauseMs);
    }
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

  // The first look comes behind what its caller still sets up.
  const ended = Promise.resolve().then(run);
  return {
    wake() {
      awake = true;
      wake?.();
    },
    woken() {
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    async stop() {
      stopped = true;
      wake?.();
      await ended;
    },
  };
}
