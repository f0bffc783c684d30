import { ConfigError } from "../../shared/config.ts";
import { createListener } from "../../shared/db/index.ts";
import type { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { RunningService } from "../../shared/run-service.ts";
import { type Metrics, routingSpans, type Tracing } from "../../shared/telemetry/index.ts";
import type { RoutingConfig } from "./config.ts";
import type { RoutingContext } from "./context.ts";
import { changedChannel } from "./db/configuration.ts";
import { openDatabase, type RoutingDatabase } from "./db/open.ts";
import { readRuntimeChannels, resealRuntimeChannels } from "./db/runtime-channels.ts";
import { resealed, unopened } from "./domain/credentials.ts";
import { createPriceTable } from "./domain/price-table.ts";
import { createFollower } from "./live/follow.ts";
import { type Loader, startLoader } from "./live/loader.ts";
import { handlers } from "./rpc/index.ts";

/** What routing is given. */
export interface RoutingDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** The clock in Unix milliseconds; Date.now unless given. */
  readonly nowMs?: () => number;
  /** Uniform in [0, 1); Math.random unless given. */
  readonly random?: () => number;
}

/** Routing that runs. */
export interface RunningRouting extends RunningService<typeof RoutingService> {
  /** What is wrong with the configuration file while the last good one is in use. Empty: nothing. */
  problems(): readonly string[];
  /** Looks at the configuration file now; for tests. */
  look: Loader["look"];
}

/**
 * Starts routing: migrates, loads the configuration into the database, follows it. Throws ConfigError, with a line for
 * each problem, when the configuration is wrong.
 */
export async function startRouting(config: RoutingConfig, deps: RoutingDeps): Promise<RunningRouting> {
  const { log, metrics, nowMs = Date.now, random = Math.random } = deps;
  const { databaseUrl: url, databasePoolSize: maxConnections } = config;
  await using undo = new AsyncDisposableStack();
  const db = await openDatabase({ url, maxConnections, migrate: config.migrate, log });
  undo.defer(() => db.close());
  await checkCredentialKey(db, config, log);
  await resealCredentials(db, config, log);
  const prices = createPriceTable(nowMs);
  const live = createFollower({
    db,
    prices,
    everyMs: config.pollMs,
    nowMs,
    log,
    onSnapshot: ({ models }) => metrics.knowModels(models.keys()),
  });
  undo.defer(() => live.stop());
  const loader = await startLoader({ config, db, log, prices, nowMs, onApplied: live.refresh });
  undo.defer(() => loader.stop());
  await live.refreshHealth();
  const refresh = () =>
    void live.refresh().catch((error: unknown) => log.warn({ err: error }, "routes could not be read"));
  const listener = createListener({
    url,
    applicationName: "throughline routing listener",
    channels: { [changedChannel]: refresh },
    onListening: refresh,
    log,
  });
  undo.defer(() => listener.close());

  const broken = () => live.current().health.channels.filter(({ open }) => open).length;
  undo.defer(metrics.observe("channels_broken", broken, "routing"));
  undo.defer(metrics.observe("configuration_rejected", () => (loader.problems.length > 0 ? 1 : 0), "routing"));

  const context: RoutingContext = {
    db,
    live,
    spans: routingSpans(deps.tracing),
    log,
    prices,
    nowMs,
    random,
    nodeLeaseMs: config.nodeLeaseMs,
    listEveryMs: config.listEveryMs,
    credentialKeys: config.credentialKeys,
  };
  const running = undo.move();
  let stopped: Promise<void> | undefined;
  return {
    definition: handlers(context),
    // Resolving needs the snapshot alone, and that was read before this line.
    ready: async () => stopped === undefined,
    problems: () => loader.problems,
    look: () => loader.look(),
    stop() {
      stopped ??= running.disposeAsync();
      return stopped;
    },
  };
}

/**
 * Refuses a CREDENTIAL_KEY that opens none of the credentials that were sealed: it is wrong or lost, and every channel
 * entered at run time would fail. Where it opens some, the others are told. Throws ConfigError.
 */
async function checkCredentialKey(db: RoutingDatabase, config: RoutingConfig, log: Log): Promise<void> {
  const { sealed, unopened: channels } = unopened(config.credentialKeys, await readRuntimeChannels(db));
  if (channels.length === 0) return;
  if (channels.length < sealed || config.credentialKeyReset) {
    log.error({ channels }, "CREDENTIAL_KEY does not open the credentials of these channels: enter them again");
    return;
  }
  const why = config.credentialKeys === undefined ? "is not set" : "is not the one that sealed what is stored";
  throw new ConfigError(
    "CREDENTIAL_KEY",
    `CREDENTIAL_KEY ${why}, so none of the ${sealed} credentials of channels entered at run time can be opened` +
      ": set the one that sealed them (up and mesh keep it in secrets.json of the data folder: restore the file from a backup), or, where it is lost, start once with CREDENTIAL_KEY_RESET=true and enter them again",
  );
}

/** After a rotation of CREDENTIAL_KEY: what an older key sealed is sealed with the current one. */
async function resealCredentials(db: RoutingDatabase, { credentialKeys }: RoutingConfig, log: Log): Promise<void> {
  if (credentialKeys === undefined) return;
  const channels = await resealRuntimeChannels(db, (channel) => resealed(credentialKeys, channel));
  if (channels > 0) log.info({ channels, key: credentialKeys.current }, "credentials sealed with the current key");
}
