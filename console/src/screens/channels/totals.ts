import { nanoUsd, type RouterOutputs, usd } from "@throughline/client";

type Point = RouterOutputs["usage"]["timeseries"]["points"][number];

/** What a group came to over a span of time. */
export interface Total {
  readonly requests: number;
  readonly errors: number;
  readonly billedUsd: string;
  /** Median; over several steps an estimate: the mean of their medians, each weighted by its requests. */
  readonly p50Ms: number;
  /** The worst of the steps. */
  readonly p99Ms: number;
}

/** The totals of groups, out of their points over time. Money is added as nano-dollars, which is exact. */
export function totalsByGroup(points: readonly Point[]): ReadonlyMap<string, Total> {
  const totals = new Map<string, Total>();
  for (const { group, requests, errors, billed_usd, p50_ms, p99_ms } of points) {
    const before = totals.get(group ?? "");
    const count = (before?.requests ?? 0) + requests;
    totals.set(group ?? "", {
      requests: count,
      errors: (before?.errors ?? 0) + errors,
      billedUsd: usd(nanoUsd(before?.billedUsd ?? "0") + nanoUsd(billed_usd)),
      p50Ms: count === 0 ? 0 : ((before?.p50Ms ?? 0) * (before?.requests ?? 0) + p50_ms * requests) / count,
      p99Ms: Math.max(before?.p99Ms ?? 0, p99_ms),
    });
  }
  return totals;
}
