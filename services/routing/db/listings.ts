import { statement, textArray } from "../../../shared/db/index.ts";
import { sourceOf } from "../domain/listed.ts";
import type { Channel, ListedModel } from "../domain/types.ts";
import { changeState } from "./configuration.ts";
import type { RoutingDatabase } from "./open.ts";
import { toJson } from "./rows.ts";

// The replica that asks first has the channel for a while. The others do not see it as due; when nothing comes of it, somebody asks again.
const claimStatement = statement(
  "routing claim listings",
  `insert into channel_listing as known (channel, source, due_at_ms)
  select channel, source, $3 from unnest($1::text[], $2::text[]) as asked (channel, source) order by channel
  on conflict (channel) do update set
    due_at_ms = excluded.due_at_ms,
    source = excluded.source,
    models = case when known.source = excluded.source then known.models end
  where known.due_at_ms <= $4 or known.source <> excluded.source
  returning channel`,
);

/**
 * Those of the channels whose list is to be read now; they are the caller's until `untilMs`.
 *
 * @param channels none twice.
 */
export async function claimListings(
  db: RoutingDatabase,
  channels: readonly Channel[],
  nowMs: number,
  untilMs: number,
): Promise<readonly string[]> {
  if (channels.length === 0) return [];
  const names = textArray(channels.map(({ name }) => name));
  const sources = textArray(channels.map(sourceOf));
  const claimed = await db.query<{ channel: string }>(claimStatement, [names, sources, untilMs, nowMs]);
  return claimed.map(({ channel }) => channel);
}

const deferStatement = statement(
  "routing defer listing",
  "update channel_listing set due_at_ms = $2, failure = $3 where channel = $1",
  { idempotent: true },
);

/** Notes that a list could not be read: what was read before stays, and it is asked for again at `dueAtMs`. */
export async function deferListing(
  db: RoutingDatabase,
  channel: string,
  dueAtMs: number,
  failure: string,
): Promise<void> {
  await db.query(deferStatement, [channel, dueAtMs, failure]);
}

/** Stores a list in place of the one before. A new version of the state comes of it only where they differ. */
export async function storeListing(
  db: RoutingDatabase,
  channel: Channel,
  models: readonly ListedModel[],
  dueAtMs: number,
): Promise<{ readonly changed: boolean }> {
  const { name } = channel;
  const source = sourceOf(channel);
  const stored = await db.kysely
    .selectFrom("channel_listing")
    .select(["source", "models"])
    .where("channel", "=", name)
    .executeTakeFirst();
  if (stored?.models != null && stored.source === source && sameListing(stored.models as ListedModel[], models)) {
    await deferListing(db, name, dueAtMs, "");
    return { changed: false };
  }
  await changeState(db, async ({ kysely }) => {
    const row = { source, models: toJson(models), failure: "", due_at_ms: BigInt(Math.round(dueAtMs)) };
    await kysely
      .insertInto("channel_listing")
      .values({ channel: name, ...row })
      .onConflict((conflict) => conflict.column("channel").doUpdateSet(row))
      .execute();
  });
  return { changed: true };
}

function sameListing(a: readonly ListedModel[], b: readonly ListedModel[]): boolean {
  const said = ({ name, createdUnixS, endsOn }: ListedModel) => `${name} ${createdUnixS} ${endsOn}`;
  return a.length === b.length && a.every((one, i) => said(one) === said(b[i] ?? { ...one, name: "" }));
}
