import { createRoster } from "../../../shared/roster.ts";

/** Whether a dependency answers, so that one that does not is tried by one and not by all. */
export interface Presence {
  /**
   * Runs `run` where the dependency is there. Rejects at once where it is away, and as soon as anybody finds it so: what
   * `run` rejects with is such a finding.
   */
  use<T>(run: () => Promise<T>): Promise<T>;
  /** It was found away. */
  lost(cause: unknown): void;
  close(): void;
}

/** How a presence is found out. */
export interface PresenceOptions {
  /** Asks the dependency anything; rejects where there is no answer in time. One runs at a time, and only while it is away. */
  probe(): Promise<unknown>;
  /** Pause before each probe, milliseconds. */
  readonly probeEveryMs: number;
  /** It is away; told once until it is back. */
  onAway(cause: unknown): void;
  onBack(): void;
}

/** Creates it; at first the dependency is taken to be there. */
export function createPresence({ probe, probeEveryMs, onAway, onBack }: PresenceOptions): Presence {
  /** Who waits for an answer now, each with what releases it. */
  const waiting = createRoster<(cause: unknown) => void>();
  let away: { readonly cause: unknown } | undefined;
  let probing: NodeJS.Timeout | undefined;
  let closed = false;

  function lost(cause: unknown): void {
    if (away !== undefined || closed) return;
    away = { cause };
    onAway(cause);
    for (const release of waiting) release(cause);
    probeLater();
  }

  function probeLater(): void {
    if (closed) return;
    probing = setTimeout(() => {
      probe().then(back, probeLater);
    }, probeEveryMs);
    probing.unref();
  }

  function back(): void {
    if (closed) return;
    away = undefined;
    onBack();
  }

  return {
    use(run) {
      if (away !== undefined) return Promise.reject(away.cause);
      return new Promise((resolve, reject) => {
        const place = waiting.add(reject);
        run().then(
          (value) => {
            waiting.remove(place);
            resolve(value);
          },
          (cause: unknown) => {
            waiting.remove(place);
            lost(cause);
            reject(cause);
          },
        );
      });
    },
    lost,
    close() {
      closed = true;
      clearTimeout(probing);
    },
  };
}
