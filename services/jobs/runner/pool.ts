import type { Log } from "../../../shared/log.ts";
import { startLoop } from "./loop.ts";

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

/** Looks for work where there is room for it, and runs what it finds. `take` is given the room. */
export function startPool(
  log: Pick<Log, "warn">,
  { atOnce, take }: { readonly atOnce: number; readonly take: (room: number) => Promise<Taken> },
): Pool {
  const running = new Set<Promise<void>>();

  const loop = startLoop(log, async () => {
    const room = atOnce - running.size;
    if (room === 0) {
      // A pool that is full and told to stop waits for nobody's end here.
      await Promise.race([...running, loop.woken()]);
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
  });

  return {
    wake: loop.wake,
    get running() {
      return running.size;
    },
    async stop() {
      await loop.stop();
      await Promise.allSettled(running);
    },
  };
}
