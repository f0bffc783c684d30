import type { Channel, RuntimeChannel } from "../domain/types.ts";
import { changeState } from "./configuration.ts";
import type { RoutingDatabase } from "./open.ts";
import { channelFromJson, strategyToRow, toJson } from "./rows.ts";

/**
 * Creates or replaces a channel entered at run time. `make` is given the stored one, locked, and decides what it becomes.
 * Gives what was stored.
 */
export async function putRuntimeChannel(
  db: RoutingDatabase,
  name: string,
  make: (stored: Channel | undefined) => RuntimeChannel,
): Promise<Channel> {
  let put: Channel | undefined;
  await changeState(db, async ({ kysely }) => {
    const stored = await kysely
      .selectFrom("runtime_channel")
      .select("definition")
      .where("name", "=", name)
      .executeTakeFirst();
    const { channel, strategies } = make(stored && channelFromJson(stored.definition));
    put = channel;
    const row = { definition: toJson(channel), strategies: toJson(strategies.map(strategyToRow)) };
    await kysely
      .insertInto("runtime_channel")
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ ...row, updated_at: new Date() }))
      .execute();
  });
  if (put === undefined) throw new Error("the transaction ended without a channel");
  return put;
}

/** Removes a channel entered at run time; nothing happens when there is none. Gives whether there was one. */
export async function deleteRuntimeChannel(db: RoutingDatabase, name: string): Promise<boolean> {
  const found = await db.kysely
    .selectFrom("runtime_channel")
    .select("name")
    .where("name", "=", name)
    .executeTakeFirst();
  if (found === undefined) return false;
  await changeState(db, async ({ kysely }) => {
    await kysely.deleteFrom("runtime_channel").where("name", "=", name).execute();
  });
  return true;
}

/** Every channel entered at run time. */
export async function readRuntimeChannels(db: RoutingDatabase): Promise<readonly Channel[]> {
  const rows = await db.kysely.selectFrom("runtime_channel").select("definition").execute();
  return rows.map(({ definition }) => channelFromJson(definition));
}

/**
 * Gives every channel entered at run time the credentials that `reseal` makes of its own; a channel for which it gives
 * undefined stays as it is. Gives the number of channels that changed.
 */
export async function resealRuntimeChannels(
  db: RoutingDatabase,
  reseal: (channel: Channel) => Channel["credentials"] | undefined,
): Promise<number> {
  const stored = await db.kysely.selectFrom("runtime_channel").select("definition").execute();
  if (!stored.some(({ definition }) => reseal(channelFromJson(definition)) !== undefined)) return 0;
  let changed = 0;
  await changeState(db, async ({ kysely }) => {
    changed = 0;
    // Read again under the lock: another replica may have come first.
    for (const { name, definition } of await kysely.selectFrom("runtime_channel").selectAll().execute()) {
      const channel = channelFromJson(definition);
      const credentials = reseal(channel);
      if (credentials === undefined) continue;
      const row = { definition: toJson({ ...channel, credentials }), updated_at: new Date() };
      await kysely.updateTable("runtime_channel").set(row).where("name", "=", name).execute();
      changed++;
    }
  });
  return changed;
}
