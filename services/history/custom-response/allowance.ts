/** What is evaluated: an expression over an answer of so many bytes, for an account. */
export interface Evaluation {
  readonly accountId: bigint;
  readonly expression: string;
  readonly bytes: number;
}

/** Says which evaluations may have time, from what those before took. */
export interface Allowance {
  /** Why this one gets no time now; undefined: it may run. */
  refusal(evaluation: Evaluation): string | undefined;
  /** Notes that one took so long; `inTime` false: it was stopped. */
  note(evaluation: Evaluation, tookMs: number, inTime: boolean): void;
  /** What is remembered, in entries; those of a minute ago go. */
  readonly entries: number;
}

const minuteMs = 60_000;
/** Time of a minute that an account may have, and one expression of it: all accounts share one thread. */
const accountMs = 10_000;
const expressionMs = 5_000;
/**
 * After so many runs in a row that were too slow an expression rests for a minute, for this account and for answers of this
 * size or larger ones; then one run decides. Each such run costs a new thread.
 */
const slowTimes = 3;
/** Sizes that differ by less than a factor of four are alike. */
const bitsOfSize = 2;
/** Entries above which those that no longer count are looked for. */
const manyEntries = 1_000;

interface Spent {
  sinceMs: number;
  ms: number;
}

interface Slow {
  times: number;
  untilMs: number;
}

/** Makes the allowance. `nowMs`: a monotonic clock. */
export function createAllowance(nowMs: () => number): Allowance {
  const spent = new Map<string, Spent>();
  const slow = new Map<string, Slow>();

  function spentOf(name: string): number {
    const known = spent.get(name);
    return known === undefined || nowMs() - known.sinceMs >= minuteMs ? 0 : known.ms;
  }

  function spend(name: string, ms: number): void {
    const known = spent.get(name);
    if (known === undefined || nowMs() - known.sinceMs >= minuteMs) spent.set(name, { sinceMs: nowMs(), ms });
    else known.ms += ms;
  }

  function forgetOld(): void {
    if (spent.size + slow.size < manyEntries) return;
    for (const [name, { sinceMs }] of spent) if (nowMs() - sinceMs >= minuteMs) spent.delete(name);
    for (const [name, { untilMs }] of slow) if (nowMs() >= untilMs) slow.delete(name);
  }

  return {
    refusal(evaluation) {
      const name = nameOf(evaluation);
      for (let size = sizeOf(evaluation); size >= 0; size--) {
        const { times, untilMs } = slow.get(`${size} ${name}`) ?? { times: 0, untilMs: 0 };
        if (times >= slowTimes && nowMs() < untilMs) {
          return "the expression is left out for a minute: it took too long time and again on answers of this size";
        }
      }
      if (spentOf(name) >= expressionMs) return "the expression has used its time of this minute";
      return spentOf(String(evaluation.accountId)) >= accountMs
        ? "the account has used its time of this minute for expressions"
        : undefined;
    },
    get entries() {
      return spent.size + slow.size;
    },
    note(evaluation, tookMs, inTime) {
      forgetOld();
      const name = nameOf(evaluation);
      spend(name, tookMs);
      spend(String(evaluation.accountId), tookMs);
      const slowName = `${sizeOf(evaluation)} ${name}`;
      if (inTime) slow.delete(slowName);
      else slow.set(slowName, { times: (slow.get(slowName)?.times ?? 0) + 1, untilMs: nowMs() + minuteMs });
    },
  };
}

function nameOf({ accountId, expression }: Evaluation): string {
  return `${accountId} ${expression}`;
}

function sizeOf({ bytes }: Evaluation): number {
  return Math.floor((32 - Math.clz32(bytes)) / bitsOfSize);
}
