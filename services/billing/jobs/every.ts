import type { Log } from "../../../shared/log.ts";

/** Something that runs again and again. */
export interface Job {
  /** Ends it; resolves when a run that is under way has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `run` again and again, never twice at a time, with a pause between two runs; a run that answers true is followed
 * by the next at once, for there is more to do. A failure is logged and tried again after the pause.
 */
export function every(name: string, pauseMs: number, log: Log, run: () => Promise<boolean>): Job {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  async function loop(): Promise<void> {
    while (!stopped) {
      let more = false;
      try {
        more = await run();
      } catch (error) {
        log.warn({ err: error, job: name }, "a job failed and will be tried again");
      }
      if (stopped || more) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        // Replicas that started together must not stay in step.
        timer = setTimeout(resolve, pauseMs * (0.9 + Math.random() / 5));
        timer.unref();
      });
    }
  }

  const ended = loop();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      return ended;
    },
  };
}
