/** The key of who has signed in, for as long as the tab is open. It is kept nowhere else. */
export interface Session {
  readonly subscribe: (listener: () => void) => () => void;
  readonly key: () => string | undefined;
  /** Which session of the tab this is: it stays the same when its key gets a new secret. */
  readonly number: () => number;
  /** Why the last session ended, where it was not the user's wish. */
  readonly endedBy: () => string | undefined;
  open(key: string): void;
  /** Goes on with the secret that is on its way; where none comes, with the old one. */
  renew(coming: Promise<string>): Promise<void>;
  /** Resolves when no new secret is on its way: until then a refusal of the old one says nothing. */
  settled(): Promise<void>;
  close(because?: string): void;
}

const storedAs = "throughline.key";

/** Reads the session of this tab. @param storage `sessionStorage`; a browser may refuse it, then the key is forgotten on reload. */
export function createSession(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">): Session {
  const listeners = new Set<() => void>();
  let key = attempt(() => storage.getItem(storedAs)) ?? undefined;
  let endedBy: string | undefined;
  let number = 0;
  let renewal = Promise.resolve();

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
    number: () => number,
    endedBy: () => endedBy,
    open(next) {
      number += 1;
      become(next);
    },
    renew(coming) {
      const of = number;
      renewal = coming.then(
        (next) => {
          // A user who has left meanwhile is not signed in again.
          if (of === number && key !== undefined) become(next);
        },
        () => undefined,
      );
      return renewal;
    },
    settled: () => renewal,
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
