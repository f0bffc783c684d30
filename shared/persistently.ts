import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { ThroughlineError } from "./errors/error.ts";

const again = retry(
  handleWhen((error) => ThroughlineError.from(error).retryable),
  { maxAttempts: 1_000, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 3_000 }) },
);

/**
 * Does some work, and again for as long as the process lives: a service that is away for a minute must not cost a settlement.
 * Work that succeeds at once, as nearly all does, meets nothing of what tries again: that was 2 kB of garbage a request.
 */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return again.execute(({ attempt }) => (attempt === 0 ? Promise.reject(error) : work()));
  }
}
