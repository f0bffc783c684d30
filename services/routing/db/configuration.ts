import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { Listings } from "../domain/listed.ts";
import type { Configuration, ListedModel, RuntimeChannel } from "../domain/types.ts";
import type { RoutingDatabase } from "./open.ts";
import {
  channelFromJson,
  modelFromRow,
  modelToRow,
  type StoredStrategy,
  strategyFromRow,
  strategyToRow,
  toJson,
} from "./rows.ts";
import type { RoutingSchema } from "./schema.ts";

/** Channel of NOTIFY that says: the state has a new version (the payload). */
export const changedChannel = "routing_changed";

/** Versions of the configuration that are kept, for whoever looks up what a route was made from. */
const keptVersions = 20n;
/** Rows of one INSERT: PostgreSQL takes 65,535 parameters a statement. */
const insertRows = 2_000;

/** Everything that resolving runs on, as of one version. */
export interface StoredState {
  readonly version: bigint;
  readonly configuration: Configuration;
  readonly runtimeChannels: readonly RuntimeChannel[];
  /** When each model was first configured, by name. */
  readonly firstSeen: ReadonlyMap<string, Date>;
  /** Lists that upstreams gave, by channel. */
  readonly listings: Listings;
}

/**
 * Makes a configuration the current one, in one transaction; nothing happens when it is already (several replicas load
 * the same file). Gives the state's version after it and whether it changed.
 */
export function applyConfiguration(
  db: RoutingDatabase,
  configuration: Configuration,
  appliedBy: string,
): Promise<{ version: bigint; changed: boolean }> {
  const digest = createHash("sha256").update(toJson(configuration)).digest("hex");
  return db.transaction(async (trx) => {
    const state = await lockState(trx);
    const { kysely } = trx;
    const current = await kysely
      .selectFrom("configuration")
      .select("digest")
      .where("version", "=", state.config_version)
      .executeTakeFirst();
    if (current?.digest === digest) return { version: state.version, changed: false };

    const version = state.version + 1n;
    await kysely.insertInto("configuration").values({ version, digest, applied_by: appliedBy }).execute();
    const { groups, strategies, models, aliases, channels } = configuration;
    const groupRows = groups.map(({ name, ratioPpm }) => ({ version, name, ratio_ppm: BigInt(ratioPpm) }));
    await inParts(groupRows, (rows) => kysely.insertInto("model_group").values(rows));
    const strategyRows = strategies.map((strategy) => ({ version, ...strategyToRow(strategy) }));
    await inParts(strategyRows, (rows) => kysely.insertInto("strategy").values(rows));
    const modelRows = models.map((model) => ({ version, ...modelToRow(model) }));
    await inParts(modelRows, (rows) => kysely.insertInto("model").values(rows));
    const aliasRows = Object.entries(aliases).map(([name, target]) => ({ version, name, target }));
    await inParts(aliasRows, (rows) => kysely.insertInto("alias").values(rows));
    const channelRows = channels.map((channel) => ({ version, name: channel.name, definition: toJson(channel) }));
    await inParts(channelRows, (rows) => kysely.insertInto("channel").values(rows));
    const names = models.map(({ name }) => ({ name }));
    await inParts(names, (rows) =>
      kysely
        .insertInto("model_first_seen")
        .values(rows)
        .onConflict((oc) => oc.doNothing()),
    );
    await kysely
      .deleteFrom("configuration")
      .where("version", "<=", version - keptVersions)
      .execute();
    await kysely.updateTable("state").set({ version, config_version: version }).execute();
    await notify(trx, version);
    return { version, changed: true };
  });
}

/** Reads the whole state as of one moment. */
export function readState(db: RoutingDatabase): Promise<StoredState> {
  return db.transaction(
    async ({ kysely }) => {
      const { version, config_version } = await kysely.selectFrom("state").selectAll().executeTakeFirstOrThrow();
      const groups = await kysely.selectFrom("model_group").selectAll().where("version", "=", config_version).execute();
      const strategies = await kysely
        .selectFrom("strategy")
        .selectAll()
        .where("version", "=", config_version)
        .execute();
      const models = await kysely.selectFrom("model").selectAll().where("version", "=", config_version).execute();
      const aliases = await kysely.selectFrom("alias").selectAll().where("version", "=", config_version).execute();
      const channels = await kysely
        .selectFrom("channel")
        .select("definition")
        .where("version", "=", config_version)
        .execute();
      const runtime = await kysely.selectFrom("runtime_channel").select(["definition", "strategies"]).execute();
      const seen = await kysely.selectFrom("model_first_seen").selectAll().execute();
      const listings = await kysely
        .selectFrom("channel_listing")
        .select(["channel", "source", "models"])
        .where("models", "is not", null)
        .execute();
      return {
        version,
        configuration: {
          groups: groups.map(({ name, ratio_ppm }) => ({ name, ratioPpm: Number(ratio_ppm) })),
          strategies: strategies.map(strategyFromRow),
          models: models.map(modelFromRow),
          aliases: Object.fromEntries(aliases.map(({ name, target }) => [name, target])),
          channels: channels.map(({ definition }) => channelFromJson(definition)),
        },
        runtimeChannels: runtime.map(({ definition, strategies: own }) => ({
          channel: channelFromJson(definition),
          strategies: (own as StoredStrategy[]).map(strategyFromRow),
        })),
        firstSeen: new Map(seen.map(({ name, first_seen }) => [name, first_seen])),
        listings: new Map(
          listings.map(({ channel, source, models }) => [channel, { source, models: (models ?? []) as ListedModel[] }]),
        ),
      };
    },
    { isolation: "repeatable read", readOnly: true },
  );
}

/** Runs a change of the run-time channels and counts it as a new version, which it gives. */
export async function changeState(
  db: RoutingDatabase,
  change: (trx: Queryable<RoutingSchema>) => Promise<void>,
): Promise<bigint> {
  return db.transaction(async (trx) => {
    const state = await lockState(trx);
    await change(trx);
    const version = state.version + 1n;
    await trx.kysely.updateTable("state").set({ version }).execute();
    await notify(trx, version);
    return version;
  });
}

function lockState(trx: Queryable<RoutingSchema>) {
  return trx.kysely.selectFrom("state").selectAll().forUpdate().executeTakeFirstOrThrow();
}

async function notify(trx: Queryable<RoutingSchema>, version: bigint): Promise<void> {
  await sql`select pg_notify(${changedChannel}, ${version.toString()})`.execute(trx.kysely);
}

async function inParts<Row>(
  rows: readonly Row[],
  insert: (part: readonly Row[]) => { execute(): Promise<unknown> },
): Promise<void> {
  for (let from = 0; from < rows.length; from += insertRows)
    await insert(rows.slice(from, from + insertRows)).execute();
}
