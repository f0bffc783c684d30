/** A counter of requests or tokens a minute. */
export interface Counter {
  /** Unique among all counters. */
  readonly id: string;
  readonly of: "key" | "account";
  readonly unit: "requests" | "tokens";
  /** Most in a minute. */
  readonly limit: number;
}

/** What a counter stands at. */
export interface Level {
  readonly used: number;
  /** Milliseconds until it begins anew. */
  readonly resetMs: number;
}

/** What one request takes of a counter. */
export interface Claim {
  readonly counter: Counter;
  readonly points: number;
}

/** What becomes of one request. */
export interface Decision {
  /** The counter that has too little left; undefined: the request is admitted. */
  readonly short: Counter | undefined;
  /** Milliseconds until that counter begins anew. */
  readonly waitMs: number;
  /** x-ratelimit-* headers as they stand after this request. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Admits requests in their order: each takes from all of its counters or, where one is short, from none, so a large one
 * that is refused leaves room for smaller ones after it.
 *
 * @param levels by counter ID; a counter that is missing stands at 0.
 */
export function admit(requests: readonly (readonly Claim[])[], levels: ReadonlyMap<string, Level>): Decision[] {
  const used = new Map<string, number>();
  const usedOf = ({ id }: Counter): number => used.get(id) ?? levels.get(id)?.used ?? 0;
  const resetOf = ({ id }: Counter): number => levels.get(id)?.resetMs ?? minuteMs;
  return requests.map((claims) => {
    const short = claims.find(({ counter, points }) => usedOf(counter) + points > counter.limit)?.counter;
    if (short === undefined) for (const { counter, points } of claims) used.set(counter.id, usedOf(counter) + points);
    return { short, waitMs: short === undefined ? 0 : resetOf(short), headers: rateHeaders(claims, usedOf, resetOf) };
  });
}

/** Length of the window that counters count in, milliseconds. */
export const minuteMs = 60_000;

/** Where both key and account limit a unit, the one with less left is shown: the client meets it first. */
function rateHeaders(
  claims: readonly Claim[],
  usedOf: (counter: Counter) => number,
  resetOf: (counter: Counter) => number,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const left = (counter: Counter): number => Math.max(0, counter.limit - usedOf(counter));
  for (const unit of ["requests", "tokens"] as const) {
    const [tightest] = claims
      .map(({ counter }) => counter)
      .filter((counter) => counter.unit === unit)
      .sort((a, b) => left(a) - left(b));
    if (tightest === undefined) continue;
    headers[`x-ratelimit-limit-${unit}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${unit}`] = String(left(tightest));
    headers[`x-ratelimit-reset-${unit}`] = usedOf(tightest) === 0 ? "0s" : goDuration(resetOf(tightest));
  }
  return headers;
}

/** A duration as OpenAI's headers write it, in Go's notation: "0s", "850ms", "12s", "1m0s", "2m3.5s". */
export function goDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole === 0) return "0s";
  if (whole < 1_000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = (whole % 60_000) / 1_000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** What each counter is to be charged for the requests that were admitted. */
export function totals(requests: readonly (readonly Claim[])[], decisions: readonly Decision[]): Claim[] {
  const sums = new Map<string, Claim>();
  for (const [i, claims] of requests.entries()) {
    if (decisions[i]?.short !== undefined) continue;
    for (const { counter, points } of claims) {
      if (points > 0) sums.set(counter.id, { counter, points: points + (sums.get(counter.id)?.points ?? 0) });
    }
  }
  return [...sums.values()];
}
