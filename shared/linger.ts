/** What has gathered and may wait for more. */
export interface Gathered {
  readonly count: number;
  /** True: somebody waits for one of them. */
  readonly waited: boolean;
}

/** How long things wait for others to go with. */
export interface LingerBounds {
  /** Longest wait of the first one, in milliseconds. 0: none waits. */
  readonly lingerMs: number;
  /** So many wait for no more: what they share costs each of them little by then. */
  readonly enough: number;
}

/** How long what has gathered may wait for more, from the moment when the first of it came, in milliseconds. 0: it goes now. */
export function lingerFor({ count, waited }: Gathered, { lingerMs, enough }: LingerBounds): number {
  return waited || count >= enough ? 0 : lingerMs;
}

/** One place where things gather. */
export interface Linger {
  /** Something has joined what gathers here: what goes, goes before this returns. */
  joined(gathered: Gathered): void;
  /** Lets go what has gathered: somebody waits for it after all. */
  hurry(): void;
  /** Lets go what has gathered, and from now on all that comes: nothing may be left at the end. */
  stop(): void;
  /** True: what has gathered waits for more. */
  isLingering(): boolean;
}

/** Makes one. @param go starts all that has gathered. */
export function createLinger(bounds: LingerBounds, go: () => void): Linger {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function hurry(): void {
    clearTimeout(timer);
    timer = undefined;
    go();
  }

  return {
    joined(gathered) {
      const waitMs = stopped ? 0 : lingerFor(gathered, bounds);
      if (waitMs === 0) hurry();
      else timer ??= setTimeout(hurry, waitMs);
    },
    hurry,
    stop() {
      stopped = true;
      hurry();
    },
    isLingering: () => timer !== undefined,
  };
}
