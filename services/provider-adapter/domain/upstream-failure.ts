import type { ThroughlineError } from "../../../shared/errors/error.ts";

/** What an upstream's failure means for the request. */
export interface UpstreamFailure {
  readonly error: ThroughlineError;
  /** True: another candidate may do better. */
  readonly failover: boolean;
  /** Milliseconds for which the channel should rest; 0: not. */
  readonly cooldownMs: number;
  /** True: it counts against the channel's health. */
  readonly unhealthy: boolean;
}
