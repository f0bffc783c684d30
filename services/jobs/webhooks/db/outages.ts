import { statement } from "../../../../shared/db/index.ts";
import type { JobsDatabase } from "../../db/open.ts";

/** A time in which a channel is out of turn. */
export interface Outage {
  readonly channel: string;
  /** Unix milliseconds at which it was first seen out: it names the outage, whoever looks. */
  readonly since_unix_ms: bigint;
  readonly is_told: boolean;
}

const columns = `channel, (extract(epoch from since) * 1000)::bigint as since_unix_ms, told_at is not null as is_told`;

const see = statement(
  "outages_see",
  `insert into jobs.channel_outage (channel) select unnest($1::text[])
   on conflict (channel) do update set seen_at = now()`,
);
const long = statement(
  "outages_long",
  `select ${columns} from jobs.channel_outage
    where channel = any($1::text[]) and told_at is null and since <= now() - $2 * interval '1 millisecond'`,
  { idempotent: true },
);

/** Notes the channels that are out now; gives those that have been for so long, and were not told yet. */
export async function seeOut(db: JobsDatabase, channels: readonly string[], afterMs: number): Promise<Outage[]> {
  if (channels.length === 0) return [];
  await db.query(see, [channels]);
  return db.query<Outage>(long, [channels, afterMs]);
}

const told = statement(
  "outages_told",
  `update jobs.channel_outage set told_at = now()
    where channel = $1 and (extract(epoch from since) * 1000)::bigint = $2`,
);

/** An outage was told. */
export async function noteTold(db: JobsDatabase, { channel, since_unix_ms: since }: Outage): Promise<void> {
  await db.query(told, [channel, since]);
}

const over = statement(
  "outages_over",
  `select ${columns} from jobs.channel_outage
    where channel <> all($1::text[]) and seen_at < now() - $2 * interval '1 millisecond'`,
  { idempotent: true },
);

/** Outages of channels that are not out now and have not been for so long. */
export function readOver(db: JobsDatabase, out: readonly string[], quietMs: number): Promise<Outage[]> {
  return db.query<Outage>(over, [out, quietMs]);
}

const end = statement(
  "outages_end",
  `delete from jobs.channel_outage where channel = $1 and (extract(epoch from since) * 1000)::bigint = $2`,
);

/** An outage is over. */
export async function endOutage(db: JobsDatabase, { channel, since_unix_ms: since }: Outage): Promise<void> {
  await db.query(end, [channel, since]);
}
