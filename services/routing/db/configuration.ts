import { createHash } from "node:crypto";
import { type Kysely, sql } from "kysely";
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
const keptVersions = 20;
/** Rows of one INSERT: PostgreSQL takes 65,535 parameters a statement. */
const insertRows = 2_000;

/** Everything that resolving runs on, as of one version. */
export interface StoredState {
  readonly version: bigint;
  /** Version at which the configuration was loaded; others change what was entered at run time. 0: none was. */
  readonly configVersion: bigint;
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
    // By how many there are, not by their numbers: changes at run time count on in between, and the one before must be there to compare with.
    const kept = kysely.selectFrom("configuration").select("version").orderBy("version", "desc").limit(keptVersions);
    await kysely.deleteFrom("configuration").where("version", "not in", kept).execute();
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
      const configuration = await readConfiguration(kysely, config_version);
      const runtime = await kysely.selectFrom("runtime_channel").select(["definition", "strategies"]).execute();
      const seen = await kysely.selectFrom("model_first_seen").selectAll().execute();
      const listings = await kysely
        .selectFrom("channel_listing")
        .select(["channel", "source", "models"])
        .where("models", "is not", null)
        .execute();
      return {
        version,
        configVersion: config_version,
        configuration,
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

/** The configuration of a version; of one that is not kept an empty one. */
async function readConfiguration(kysely: Kysely<RoutingSchema>, version: bigint): Promise<Configuration> {
  const groups = await kysely.selectFrom("model_group").selectAll().where("version", "=", version).execute();
  const strategies = await kysely.selectFrom("strategy").selectAll().where("version", "=", version).execute();
  const models = await kysely.selectFrom("model").selectAll().where("version", "=", version).execute();
  const aliases = await kysely.selectFrom("alias").selectAll().where("version", "=", version).execute();
  const channels = await kysely.selectFrom("channel").select("definition").where("version", "=", version).execute();
  return {
    groups: groups.map(({ name, ratio_ppm }) => ({ name, ratioPpm: Number(ratio_ppm) })),
    strategies: strategies.map(strategyFromRow),
    models: models.map(modelFromRow),
    aliases: Object.fromEntries(aliases.map(({ name, target }) => [name, target])),
    channels: channels.map(({ definition }) => channelFromJson(definition)),
  };
}

/** A configuration that was loaded, with the one before it. */
export interface LoadedConfiguration {
  readonly version: bigint;
  readonly digest: string;
  readonly appliedBy: string;
  readonly appliedAtUs: bigint;
  readonly configuration: Configuration;
  /** Undefined: it is the oldest that is kept. */
  readonly before: Configuration | undefined;
}

/** Configurations that were loaded, newest first. */
export function readLoaded(
  db: RoutingDatabase,
  { after, before, limit }: { readonly after: bigint; readonly before: bigint; readonly limit: number },
): Promise<LoadedConfiguration[]> {
  return db.transaction(
    async ({ kysely }) => {
      let query = kysely
        .selectFrom("configuration")
        .select(["version", "digest", "applied_by"])
        .select(sql<bigint>`(extract(epoch from applied_at) * 1000000)::bigint`.as("applied_us"))
        .orderBy("version", "desc");
      if (before > 0n) query = query.where("version", "<", before);
      // One more, to compare the last with.
      const rows = await query.limit(limit + 1).execute();
      const wanted = rows.slice(0, limit).filter(({ version }) => version > after);
      const found: LoadedConfiguration[] = [];
      let configuration = wanted[0] && (await readConfiguration(kysely, wanted[0].version));
      for (const [i, { version, digest, applied_by: appliedBy, applied_us: appliedAtUs }] of wanted.entries()) {
        const previous = rows[i + 1];
        const earlier = previous && (await readConfiguration(kysely, previous.version));
        if (configuration !== undefined) {
          found.push({ version, digest, appliedBy, appliedAtUs, configuration, before: earlier });
        }
        configuration = earlier;
      }
      return found;
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
