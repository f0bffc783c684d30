import { isErrorCode } from "../../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  ReportHealthRequest,
  ReportHealthResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { storeHealth } from "../db/health.ts";
import type { HealthLine } from "../domain/health.ts";

/** ReportHealth. Channels that are not configured (any more) are left out. */
export function reportHealth({ db, live, nowMs }: RoutingContext) {
  return unaryHandler<ReportHealthRequest, ReportHealthResponse>(async ({ reporter, channels }) => {
    if (reporter === "" || reporter.length > 200) {
      throw new ThroughlineError("invalid_value", "reporter must have 1 to 200 characters.", { param: "reporter" });
    }
    const known = new Set(live.current().snapshot.channels.map(({ name }) => name));
    const lines = new Map<string, HealthLine>();
    for (const line of channels) {
      const { channel, attempts, failures, firstByteMs, open, recentAttempts, recentFailures, lastFailureStatus } =
        line;
      if (!known.has(channel)) continue;
      lines.set(channel, {
        ...{ channel, attempts, failures, firstByteMs, open, recentAttempts, recentFailures, lastFailureStatus },
        cooldownUntilMs: Number(line.cooldownUntilUnixMs),
        lastFailureCode: isErrorCode(line.lastFailureCode) ? line.lastFailureCode : "",
        lastFailureAtMs: Number(line.lastFailureUnixMs),
        lastGoodAtMs: Number(line.lastGoodUnixMs),
      });
    }
    await storeHealth(db, reporter, [...lines.values()], nowMs());
    // This replica need not wait for its next look.
    await live.refreshHealth();
    return {};
  });
}
