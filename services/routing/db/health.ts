import type { Selectable } from "kysely";
import { bigintArray, booleanArray, statement, textArray } from "../../../shared/db/index.ts";
import { type HealthLine, type ReportedLine, speedLifeMs } from "../domain/health.ts";
import type { RoutingDatabase } from "./open.ts";
import type { ChannelHealthTable } from "./schema.ts";

// A channel that a replica no longer mentions is healthy again. Its speed stays until it is measured anew, the results of its
// last attempts until there are others. Lines of replicas that are gone leave with the first report after their life.
const reportStatement = statement(
  "routing report health",
  `with silent as (
    update channel_health
    set attempts = 0, failures = 0, open = false, cooldown_until_ms = 0, reported_at_ms = $2
    where reporter = $1 and channel <> all ($3::text[])
  ), gone as (
    delete from channel_health where reporter <> $1 and reported_at_ms < $2 - ${speedLifeMs}
  )
  insert into channel_health as known
    (reporter, channel, attempts, failures, first_byte_ms, measured_at_ms, open, cooldown_until_ms, reported_at_ms,
      recent_attempts, recent_failures, last_failure_code, last_failure_status, last_failure_at_ms, last_good_at_ms)
  select $1, channel, attempts, failures, first_byte_ms, $2, open, cooldown_until_ms, $2,
    recent_attempts, recent_failures, last_failure_code, last_failure_status, last_failure_at_ms, last_good_at_ms
  from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[], $8::bigint[],
      $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[])
    as line (channel, attempts, failures, first_byte_ms, open, cooldown_until_ms,
      recent_attempts, recent_failures, last_failure_code, last_failure_status, last_failure_at_ms, last_good_at_ms)
  on conflict (reporter, channel) do update set
    attempts = excluded.attempts,
    failures = excluded.failures,
    first_byte_ms = case when excluded.first_byte_ms > 0 then excluded.first_byte_ms else known.first_byte_ms end,
    measured_at_ms = case when excluded.first_byte_ms > 0 then excluded.measured_at_ms else known.measured_at_ms end,
    open = excluded.open,
    cooldown_until_ms = excluded.cooldown_until_ms,
    reported_at_ms = excluded.reported_at_ms,
    recent_attempts = excluded.recent_attempts,
    recent_failures = excluded.recent_failures,
    last_failure_code = excluded.last_failure_code,
    last_failure_status = excluded.last_failure_status,
    last_failure_at_ms = excluded.last_failure_at_ms,
    last_good_at_ms = excluded.last_good_at_ms`,
  { idempotent: true },
);

const readStatement = statement("routing read health", "select * from channel_health", { idempotent: true });

// One statement tells whether anything is worth reading: it is what every replica asks every second.
const pollStatement = statement(
  "routing poll",
  "select version, (select coalesce(max(reported_at_ms), 0) from channel_health) as reported_at_ms from state",
  { idempotent: true },
);

/** Stores what a provider replica reported, in place of what it said before. No channel may be named twice. */
export async function storeHealth(
  db: RoutingDatabase,
  reporter: string,
  lines: readonly HealthLine[],
  nowMs: number,
): Promise<void> {
  const whole = (of: (line: HealthLine) => number) => bigintArray(lines.map((line) => BigInt(of(line))));
  await db.query(reportStatement, [
    reporter,
    nowMs,
    textArray(lines.map(({ channel }) => channel)),
    whole(({ attempts }) => attempts),
    whole(({ failures }) => failures),
    whole(({ firstByteMs }) => firstByteMs),
    booleanArray(lines.map(({ open }) => open)),
    whole(({ cooldownUntilMs }) => cooldownUntilMs),
    whole(({ recentAttempts }) => recentAttempts),
    whole(({ recentFailures }) => recentFailures),
    textArray(lines.map(({ lastFailureCode }) => lastFailureCode)),
    whole(({ lastFailureStatus }) => lastFailureStatus),
    whole(({ lastFailureAtMs }) => lastFailureAtMs),
    whole(({ lastGoodAtMs }) => lastGoodAtMs),
  ]);
}

/** Reads what all replicas reported. */
export async function readHealth(db: RoutingDatabase): Promise<ReportedLine[]> {
  const rows = await db.query<Selectable<ChannelHealthTable>>(readStatement, []);
  return rows.map((row) => ({
    reporter: row.reporter,
    channel: row.channel,
    attempts: Number(row.attempts),
    failures: Number(row.failures),
    firstByteMs: Number(row.first_byte_ms),
    measuredAtMs: Number(row.measured_at_ms),
    open: row.open,
    cooldownUntilMs: Number(row.cooldown_until_ms),
    reportedAtMs: Number(row.reported_at_ms),
    recentAttempts: Number(row.recent_attempts),
    recentFailures: Number(row.recent_failures),
    lastFailureCode: row.last_failure_code,
    lastFailureStatus: Number(row.last_failure_status),
    lastFailureAtMs: Number(row.last_failure_at_ms),
    lastGoodAtMs: Number(row.last_good_at_ms),
  }));
}

/** What is newest: version of the state, and Unix milliseconds of the last report. */
export async function poll(db: RoutingDatabase): Promise<{ version: bigint; reportedAtMs: bigint }> {
  const [row] = await db.query<{ version: bigint; reported_at_ms: bigint }>(pollStatement, []);
  return { version: row?.version ?? 0n, reportedAtMs: row?.reported_at_ms ?? 0n };
}
