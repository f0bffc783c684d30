import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { ThroughlineError } from "./errors/error.ts";

/** Tries again for as long as the process lives: a service that is away for a minute must not cost a settlement. */
export const persistently = retry(
  handleWhen((error) => ThroughlineError.from(error).retryable),
  { maxAttempts: 1_000, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 3_000 }) },
);
