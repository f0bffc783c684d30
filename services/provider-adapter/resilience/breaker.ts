import {
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  DelegateBackoff,
  handleWhenResult,
  type IHalfOpenAfterBackoffContext,
} from "cockatiel";

/** How a probe ended. */
export type ProbeEnd =
  | "good"
  /** It failed: the next one comes after twice the time. */
  | "fault"
  /** It says nothing (the client left, or made a mistake): the next one comes after the same time. */
  | "unclear"
  /** The upstream named the time, milliseconds. */
  | { readonly restMs: number };

/** "due": open, and the next attempt may be the probe. */
export type BreakerState = "closed" | "open" | "due" | "probing";

/** A breaker: closed until it is tripped, then open for a time, then closed by one good probe. */
export interface Breaker {
  readonly state: BreakerState;
  /** Milliseconds until the next probe may go; 0: it may, or the breaker is closed. */
  readonly restMs: number;
  /** Opens it: until the next probe is due, or for the time that the upstream named. */
  trip(end: Exclude<ProbeEnd, "good">): void;
  /** Begins the one probe; its end must be told. Undefined: none may go now. */
  probe(): ((end: ProbeEnd) => void) | undefined;
  /** Closes it at once: something outside of the probes has shown that the upstream is well. */
  close(): void;
}

/** Options of `createBreaker`. */
export interface BreakerOptions {
  /** Time to the first probe, milliseconds; it doubles with each that fails. */
  readonly firstRestMs: number;
  readonly maxRestMs: number;
  /** Uniform in [0, 1): replicas shall not probe together. */
  readonly random: () => number;
}

/**
 * Creates a breaker over cockatiel's. That one wants to wrap every call; here only the turn into open and the probes go
 * through it, so an attempt at a healthy channel costs it one comparison. It also measures a rest by the clock of the
 * machine, and one that is set back by an hour would keep a channel out for that hour: when a rest is over is decided here.
 */
export function createBreaker({ firstRestMs, maxRestMs, random }: BreakerOptions): Breaker {
  /** On the monotonic clock. */
  let dueMs = 0;
  let policy = fresh();

  function fresh(): CircuitBreakerPolicy {
    dueMs = 0;
    return circuitBreaker(
      handleWhenResult((end) => end !== "good"),
      {
        // The tally decided that it opens.
        breaker: { state: undefined, success: () => undefined, failure: () => true },
        halfOpenAfter: new DelegateBackoff<IHalfOpenAfterBackoffContext, number>(({ result }, lastMs = 0) => {
          const [restMs, nextMs] = restOf("value" in result ? (result.value as ProbeEnd) : "fault", lastMs);
          dueMs = performance.now() + restMs;
          return { delay: Number.NEGATIVE_INFINITY, state: nextMs };
        }),
      },
    );
  }

  /** The rest before the next probe, and what the one after it goes by. */
  function restOf(end: ProbeEnd, lastMs: number): readonly [number, number] {
    if (typeof end === "object") return [Math.min(end.restMs, maxRestMs), lastMs];
    const usualMs = end === "unclear" ? lastMs || firstRestMs : Math.min(maxRestMs, lastMs * 2 || firstRestMs);
    return [usualMs * (0.8 + 0.4 * random()), usualMs];
  }

  /** Runs cockatiel's step; true: it took it. The step begins before this returns. */
  function execute(run: () => ProbeEnd | Promise<ProbeEnd>): boolean {
    let begun = false;
    policy
      .execute(() => {
        begun = true;
        return run();
      })
      // Open: it refuses.
      .catch(() => undefined);
    return begun;
  }

  const restMs = (): number => Math.max(0, dueMs - performance.now());

  return {
    get state() {
      if (policy.state === CircuitState.Closed) return "closed";
      if (policy.state === CircuitState.HalfOpen) return "probing";
      return restMs() > 0 ? "open" : "due";
    },
    get restMs() {
      return restMs();
    },
    trip(end) {
      if (policy.state === CircuitState.Closed) execute(() => end);
    },
    probe() {
      // While one is under way, cockatiel would keep others waiting for its end.
      if (policy.state !== CircuitState.Open || restMs() > 0) return undefined;
      const { promise, resolve } = Promise.withResolvers<ProbeEnd>();
      return execute(() => promise) ? resolve : undefined;
    },
    close() {
      policy = fresh();
    },
  };
}
