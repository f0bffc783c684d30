import type { Pod } from "./pods.ts";

/** Looks at readiness as Kubernetes' probes do. */
export interface ReadinessWatch {
  /** Each look that found a pod unready, in words. */
  seen(): readonly string[];
  stop(): void;
}

/** Asks each pod every quarter of a second. */
export function watchReadiness(pods: readonly Pod[]): ReadinessWatch {
  const unready: string[] = [];
  const ask = async ({ host, watchUrl }: Pod): Promise<void> => {
    const response = await fetch(`${watchUrl}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
    const text = await response?.text().catch(() => "");
    if (response?.ok !== true) unready.push(`${host} is unready: ${response?.status ?? "no answer"} ${text ?? ""}`);
  };
  const timer = setInterval(() => {
    for (const pod of pods) void ask(pod);
  }, 250);
  return { seen: () => [...unready], stop: () => clearInterval(timer) };
}
