import { bigintArray, booleanArray, statement, textArray } from "../../../shared/db/index.ts";
import { type HealthLine, type ReportedLine, speedLifeMs } from "../domain/health.ts";
import type { RoutingDatabase } from "./open.ts";

// What a replica no longer mentions is healthy again; its speed stays until it is measured anew. Lines of replicas that
// are gone leave with the first report after their life.
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
    (reporter, channel, attempts, failures, first_byte_ms, measured_at_ms, open, cooldown_until_ms, reported_at_ms)
  select $1, channel, attempts, failures, first_byte_ms, $2, open, cooldown_until_ms, $2
  from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[], $8::bigint[])
    as line (channel, attempts, failures, first_byte_ms, open, cooldown_until_ms)
  on conflict (reporter, channel) do update set
    attempts = excluded.attempts,
    failures = excluded.failures,
    first_byte_ms = case when excluded.first_byte_ms > 0 then excluded.first_byte_ms else known.first_byte_ms end,
    measured_at_ms = case when excluded.first_byte_ms > 0 then excluded.measured_at_ms else known.measured_at_ms end,
    open = excluded.open,
    cooldown_until_ms = excluded.cooldown_until_ms,
    reported_at_ms = excluded.reported_at_ms`,
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
  ]);
}

/** Reads what all replicas reported. */
export async function readHealth(db: RoutingDatabase): Promise<ReportedLine[]> {
  interface Row {
    reporter: string;
    channel: string;
    attempts: bigint;
    failures: bigint;
    first_byte_ms: bigint;
    measured_at_ms: bigint;
    open: boolean;
    cooldown_until_ms: bigint;
    reported_at_ms: bigint;
  }
  const rows = await db.query<Row>(readStatement, []);
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
  }));
}

/** What is newest: version of the state, and Unix milliseconds of the last report. */
export async function poll(db: RoutingDatabase): Promise<{ version: bigint; reportedAtMs: bigint }> {
  const [row] = await db.query<{ version: bigint; reported_at_ms: bigint }>(pollStatement, []);
  return { version: row?.version ?? 0n, reportedAtMs: row?.reported_at_ms ?? 0n };
}
