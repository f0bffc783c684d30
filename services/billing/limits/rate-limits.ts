import type { ThroughlineError } from "../../../shared/errors/error.ts";

/** What one request asks of the rate limits. */
export interface RateDemand {
  readonly keyId: bigint;
  readonly accountId: bigint;
  /** Tokens that it may consume. */
  readonly tokens: bigint;
}

/** What the rate limits say to one request. */
export interface RateVerdict {
  /** Why it is refused; nothing was taken then. */
  readonly refused: ThroughlineError | undefined;
  /** x-ratelimit-* headers for the answer; none without limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Gives back what was taken, for a request that is refused for another reason. */
  giveBack(): void;
}

/** Limits of requests and tokens a minute, of keys and of accounts. */
export interface RateLimits {
  /** Takes for each demand in turn from all limits that concern it, or from none. */
  take(demands: readonly RateDemand[]): Promise<readonly RateVerdict[]>;
  /** Limits of a key or an account may have changed: the next demand reads them anew. */
  forget(of: { keyId: bigint } | { accountId: bigint } | "all"): void;
  close(): Promise<void>;
}

/** placeholder until the limiter is written: no limits. */
export function createRateLimits(_deps: unknown): RateLimits {
  return {
    take: async (demands) => demands.map(() => ({ refused: undefined, headers: {}, giveBack: () => {} })),
    forget: () => {},
    close: async () => {},
  };
}
