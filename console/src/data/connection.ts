/** Whether the gateway can be reached. */
export interface Connection {
  readonly subscribe: (listener: () => void) => () => void;
  readonly isAway: () => boolean;
  /** A call met no gateway. From now on it is asked until it answers. */
  lost(): void;
}

/** How often a gateway that is away is asked whether it is back. */
const askEveryMs = 1_000;

/**
 * Watches the gateway by what calls meet.
 *
 * @param answers whether the gateway answers now.
 * @param onBack told when it is back.
 */
export function createConnection(answers: () => Promise<boolean>, onBack: () => void): Connection {
  const listeners = new Set<() => void>();
  let away = false;

  function become(next: boolean): void {
    if (away === next) return;
    away = next;
    for (const listener of listeners) listener();
  }

  async function waitForIt(): Promise<void> {
    while (away && !(await answers())) await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    become(false);
    onBack();
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isAway: () => away,
    lost() {
      if (away) return;
      become(true);
      void waitForIt();
    },
  };
}
