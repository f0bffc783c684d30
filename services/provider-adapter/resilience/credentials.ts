/** One credential, taken for one attempt. */
export interface TakenCredential {
  /** Empty: the channel needs none. */
  readonly value: string;
  /** It works: the rest that it was taken from is over. One that began since is not: an earlier answer knows nothing of it. */
  good(): void;
  /** It is refused, or its rate is used up: it rests. */
  rest(restMs: number): void;
  /** The attempt says nothing about it. */
  neutral(): void;
}

/** The credentials of one channel: used in turn, those that were refused rest. */
export interface CredentialPool {
  /**
   * The next one that neither rests nor was tried. `force`: if there is none, the one whose rest ends first.
   * One whose rest is over is tried by one attempt at a time until it works again.
   */
  take(list: readonly string[], options: { tried?: ReadonlySet<string>; force?: boolean }): TakenCredential | undefined;
  /** Milliseconds for which all of the list still rest; 0: at least one does not. */
  restsForMs(list: readonly string[]): number;
}

interface Rest {
  /** On the monotonic clock: one that is set back must not prolong a rest. */
  untilMs: number;
  trial: boolean;
}

const none: readonly string[] = [""];

/** Creates the pool. It remembers rests by the credentials themselves, so a new configuration with a new key starts anew. */
export function createCredentialPool(): CredentialPool {
  const rests = new Map<string, Rest>();
  let turn = 0;

  function taken(value: string): TakenCredential {
    const rest = rests.get(value);
    if (rest !== undefined) rest.trial = true;
    return {
      value,
      good() {
        if (rests.get(value) === rest) rests.delete(value);
      },
      rest(restMs) {
        forgetOld();
        rests.set(value, {
          untilMs: Math.max(performance.now() + restMs, rests.get(value)?.untilMs ?? 0),
          trial: false,
        });
      },
      neutral() {
        if (rest !== undefined) rest.trial = false;
      },
    };
  }

  /** Credentials that left the configuration. */
  function forgetOld(): void {
    const beforeMs = performance.now() - 3_600_000;
    for (const [value, { untilMs }] of rests) if (untilMs < beforeMs) rests.delete(value);
  }

  return {
    take(given, { tried, force }) {
      const list = given.length === 0 ? none : given;
      turn = (turn + 1) % list.length;
      let first: string | undefined;
      let firstMs = Number.POSITIVE_INFINITY;
      for (let step = 0; step < list.length; step++) {
        const value = list[(turn + step) % list.length] ?? "";
        if (tried?.has(value) === true) continue;
        const rest = rests.get(value);
        if (rest === undefined || (rest.untilMs <= performance.now() && !rest.trial)) return taken(value);
        if (rest.untilMs < firstMs) [first, firstMs] = [value, rest.untilMs];
      }
      return force === true && first !== undefined ? taken(first) : undefined;
    },
    restsForMs(given) {
      const untilMs = (given.length === 0 ? none : given).map((value) => rests.get(value)?.untilMs ?? 0);
      return Math.max(0, Math.min(...untilMs) - performance.now());
    },
  };
}
