/** What one provider replica says of one channel. */
export interface HealthLine {
  readonly channel: string;
  /** Attempts since the replica's last report. */
  readonly attempts: number;
  /** How many of these failed by the upstream's fault. */
  readonly failures: number;
  /** Moving average of the time to the first byte, in milliseconds. 0: unknown. */
  readonly firstByteMs: number;
  /** True: the replica's breaker is open. */
  readonly open: boolean;
  /** Unix milliseconds until which the channel cools down. 0: not. */
  readonly cooldownUntilMs: number;
  /** How many attempts that said something there were, up to the last 20. */
  readonly recentAttempts: number;
  readonly recentFailures: number;
  /** Code of the last of these failures; empty: there was none. */
  readonly lastFailureCode: string;
  /** HTTP status of it; 0: it had none. */
  readonly lastFailureStatus: number;
  /** Unix milliseconds; 0: there was none. */
  readonly lastFailureAtMs: number;
  /** When an attempt last went well, Unix milliseconds; 0: none did. */
  readonly lastGoodAtMs: number;
}

/** A line with who said it and when. */
export interface ReportedLine extends HealthLine {
  readonly reporter: string;
  readonly reportedAtMs: number;
  /** When `firstByteMs` was measured. */
  readonly measuredAtMs: number;
}

/** What all replicas together say of a channel. */
export interface ChannelHealth extends HealthLine {
  /** Share of the attempts that failed, 0 to 1; 0 where none was made. */
  readonly failureRatio: number;
  /** When a replica last spoke of it, Unix milliseconds. */
  readonly reportedAtMs: number;
}

/** The health of the channels, as resolving asks for it. */
export interface HealthView {
  /** Why a channel should be tried last, or undefined when it should not. */
  down(channel: string, nowMs: number): "breaker open" | "cooling down" | undefined;
  /** The channel's figures, if any replica gave some. */
  of(channel: string): ChannelHealth | undefined;
  /** False: no channel is down; saves asking for each. */
  readonly anyDown: boolean;
  readonly channels: readonly ChannelHealth[];
}

/** Age at which what a replica said of a channel's state counts no longer: it reports every few seconds or is gone. */
export const stateLifeMs = 60_000;
/** Age at which a measured speed, and what the last attempts came to, count no longer. They outlive the state: an idle channel has no reports. */
export const speedLifeMs = 600_000;

/** A view without any report. */
export const noHealth: HealthView = { down: () => undefined, of: () => undefined, anyDown: false, channels: [] };

/**
 * Sums up the reports of all replicas. A channel's breaker counts as open when it is for at least half of the replicas
 * that spoke of the channel in the last minute: one replica with a broken network must not turn the traffic of all.
 */
export function summarise(lines: readonly ReportedLine[], nowMs: number): HealthView {
  const byChannel = Map.groupBy(lines, ({ channel }) => channel);
  const channels = new Map<string, ChannelHealth>();
  for (const [channel, all] of byChannel) {
    const recent = all.filter(({ reportedAtMs }) => nowMs - reportedAtMs < stateLifeMs);
    const speeds = all.filter((line) => line.firstByteMs > 0 && nowMs - line.measuredAtMs < speedLifeMs);
    const tried = all.filter(
      ({ lastFailureAtMs, lastGoodAtMs }) => nowMs - Math.max(lastFailureAtMs, lastGoodAtMs) < speedLifeMs,
    );
    if (recent.length === 0 && speeds.length === 0 && tried.length === 0) continue;
    const failed = tried.toSorted((one, other) => other.lastFailureAtMs - one.lastFailureAtMs)[0];
    const attempts = sum(recent, ({ attempts }) => attempts);
    const failures = sum(recent, ({ failures }) => failures);
    const open = recent.filter((line) => line.open).length;
    channels.set(channel, {
      channel,
      attempts,
      failures,
      failureRatio: attempts === 0 ? 0 : Math.min(1, failures / attempts),
      firstByteMs: speeds.length === 0 ? 0 : Math.round(sum(speeds, ({ firstByteMs }) => firstByteMs) / speeds.length),
      open: open > 0 && open * 2 >= recent.length,
      reportedAtMs: Math.max(...all.map(({ reportedAtMs }) => reportedAtMs)),
      cooldownUntilMs: Math.max(0, ...recent.map(({ cooldownUntilMs }) => cooldownUntilMs)),
      recentAttempts: sum(tried, ({ recentAttempts }) => recentAttempts),
      recentFailures: sum(tried, ({ recentFailures }) => recentFailures),
      lastFailureCode: failed?.lastFailureCode ?? "",
      lastFailureStatus: failed?.lastFailureStatus ?? 0,
      lastFailureAtMs: failed?.lastFailureAtMs ?? 0,
      lastGoodAtMs: Math.max(0, ...tried.map(({ lastGoodAtMs }) => lastGoodAtMs)),
    });
  }
  const sorted = [...channels.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
  return {
    channels: sorted,
    anyDown: sorted.some(({ open, cooldownUntilMs }) => open || cooldownUntilMs > nowMs),
    of: (channel) => channels.get(channel),
    down(channel, now) {
      const health = channels.get(channel);
      if (health === undefined) return undefined;
      if (health.open) return "breaker open";
      return health.cooldownUntilMs > now ? "cooling down" : undefined;
    },
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
