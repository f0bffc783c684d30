import type { RoutingService } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../../shared/log.ts";
import type { ServiceClient } from "../../../shared/rpc/index.ts";
import type { Health } from "./health.ts";

/** Options of `startReports`. */
export interface ReportOptions {
  readonly health: Health;
  readonly routing: Pick<ServiceClient<typeof RoutingService>, "reportHealth">;
  /** Name of this process among all providers. */
  readonly reporter: string;
  /** Time between two reports, milliseconds. */
  readonly everyMs: number;
  readonly log: Pick<Log, "warn">;
}

/** Reports under way. */
export interface Reports {
  /** Ends them; routing is told to forget what this process said, so that a dead one's word does not count. */
  stop(): Promise<void>;
}

const callTimeoutMs = 5_000;

/**
 * Tells routing how the channels are. Only those that were used since the last report or are not well are named; a report
 * that names none is sent once, for it says that all are well again.
 */
export function startReports({ health, routing, reporter, everyMs, log }: ReportOptions): Reports {
  let named = false;
  let sending: Promise<void> | undefined;
  let failing = false;

  async function send(): Promise<void> {
    const nowMs = Date.now();
    const channels = [...health.read()].flatMap(([channel, figures]) => {
      const { attempts, failures, firstByteMs, open, cooldownUntilMs, lately } = figures;
      const cools = cooldownUntilMs > nowMs;
      if (attempts === 0 && !open && !cools) return [];
      return [
        {
          channel,
          attempts,
          failures,
          firstByteMs: Math.round(firstByteMs),
          open,
          cooldownUntilUnixMs: BigInt(cools ? Math.ceil(cooldownUntilMs) : 0),
          recentAttempts: lately.attempts,
          recentFailures: lately.failures,
          lastFailureCode: lately.failureCode,
          lastFailureStatus: lately.failureStatus,
          lastFailureUnixMs: BigInt(lately.failedAtMs),
          lastGoodUnixMs: BigInt(lately.goodAtMs),
        },
      ];
    });
    if (channels.length === 0 && !named) return;
    await routing.reportHealth({ reporter, channels }, { timeoutMs: callTimeoutMs });
    named = channels.length > 0;
  }

  function tick(): void {
    sending ??= send()
      .then(
        () => {
          failing = false;
        },
        (error: unknown) => {
          // Once: routing away for an hour is one line, not 3,600.
          if (!failing) log.warn({ err: error }, "routing did not take the health of the channels");
          failing = true;
        },
      )
      .finally(() => {
        sending = undefined;
      });
  }

  const timer = setInterval(tick, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await sending;
      if (named)
        await routing.reportHealth({ reporter, channels: [] }, { timeoutMs: callTimeoutMs }).catch(() => undefined);
    },
  };
}
