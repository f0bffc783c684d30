/** The key of who has signed in, for as long as the tab is open. It is kept nowhere else. */
export interface Session {
  readonly subscribe: (listener: () => void) => () => void;
  readonly key: () => string | undefined;
  /** Why the last session ended, where it was not the user's wish. */
  readonly endedBy: () => string | undefined;
  open(key: string): void;
  close(because?: string): void;
}

const storedAs = "throughline.key";

/** Reads the session of this tab. @param storage `sessionStorage`; a browser may refuse it, then the key is forgotten on reload. */
export function createSession(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">): Session {
  const listeners = new Set<() => void>();
  let key = attempt(() => storage.getItem(storedAs)) ?? undefined;
  let endedBy: string | undefined;

  function become(next: string | undefined, because?: string): void {
    key = next;
    endedBy = because;
    attempt(() => (next === undefined ? storage.removeItem(storedAs) : storage.setItem(storedAs, next)));
    for (const listener of listeners) listener();
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    key: () => key,
    endedBy: () => endedBy,
    open: (next) => become(next),
    close: (because) => become(undefined, because),
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
