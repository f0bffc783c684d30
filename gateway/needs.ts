import type { Standing } from "../shared/metrics-server.ts";

/**
 * Without history every request is answered and charged, and its record waits; without jobs only what outlives a request is
 * refused. A gateway that took itself out of turn for them would refuse what it can serve.
 */
const dispensable: readonly string[] = ["history", "jobs"];

/** A service that restarts is back within this time, and its callers wait for it. */
const rideOverMs = 10_000;

/** Asks after each service of a gateway. One that was never there is missing at once. */
export function createNeeds(
  looks: Readonly<Record<string, () => Promise<boolean>>>,
  now: () => number = () => performance.now(),
): () => Promise<Standing> {
  const lastThereMs = new Map<string, number>();
  return async () => {
    const names = Object.keys(looks);
    const there = await Promise.all(Object.values(looks).map((look) => look()));
    const missing: string[] = [];
    const away: string[] = [];
    for (const [index, name] of names.entries()) {
      if (there[index]) {
        lastThereMs.set(name, now());
        continue;
      }
      const isBlip = now() - (lastThereMs.get(name) ?? Number.NEGATIVE_INFINITY) <= rideOverMs;
      (dispensable.includes(name) || isBlip ? away : missing).push(name);
    }
    return { missing, away };
  };
}
