import type { ConfigurationChange } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayDeps } from "./deps.ts";

const callTimeoutMs = 10_000;
/** Changes of one question. */
const pageSize = 10;
/** Looks that fail one after the other before it is told. */
const tellAfter = 5;

/** What is used of the gateway. */
export type TrailDeps = Pick<GatewayDeps, "routing" | "billing" | "log">;

/** Tells the trail of administration what the configuration file changes. */
export interface ConfigurationTrail {
  /** Looks now; for tests. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** What the events are called, and what they are about. */
const procedure = "configuration.load";
const targetOf = ({ version, digest }: ConfigurationChange): string =>
  `configuration ${version} ${digest.slice(0, 16)}`;

/**
 * Enters what loading the configuration changed into the trail of administration. Every gateway does it, and billing enters each change
 * once: its target names the version and a digest of what it says. What came while no gateway ran is entered when one starts.
 */
export function startConfigurationTrail(
  { configurationLookMs }: Pick<GatewayConfig, "configurationLookMs">,
  { routing, billing, log }: TrailDeps,
): ConfigurationTrail {
  const stopping = new AbortController();
  const options = { timeoutMs: callTimeoutMs, signal: stopping.signal };
  /** The newest version that is entered; undefined: not known yet. */
  let entered: bigint | undefined;
  let failures = 0;
  let looking: Promise<void> = Promise.resolve();

  async function isEntered(change: ConfigurationChange): Promise<boolean> {
    const { events } = await billing.listAdministration({ target: targetOf(change), procedure, limit: 1 }, options);
    return events.length > 0;
  }

  /** Changes that are not entered yet, newest first. Where none ever was, the newest alone: what was before the trail knew of it is past. */
  async function missing(): Promise<ConfigurationChange[]> {
    const known = entered;
    const found: ConfigurationChange[] = [];
    for (let beforeVersion = 0n; ; ) {
      const asked = { afterVersion: known ?? 0n, beforeVersion, limit: pageSize };
      const { changes, newestVersion } = await routing.listConfigurationChanges(asked, options);
      // A database of routing that was made anew counts from the start again.
      if (known !== undefined && newestVersion < known) {
        entered = undefined;
        return missing();
      }
      for (const change of changes) {
        if (known === undefined && (await isEntered(change))) {
          entered = change.version;
          return found;
        }
        found.push(change);
      }
      const last = changes.at(-1);
      if (last === undefined || changes.length < pageSize) return known === undefined ? found.slice(0, 1) : found;
      beforeVersion = last.version;
    }
  }

  async function look(): Promise<void> {
    try {
      for (const change of (await missing()).reverse()) {
        await billing.recordAdministration({ once: true, event: eventOf(change) }, options);
        entered = change.version;
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      // At a start the others may be a moment behind.
      if (failures === tellAfter) {
        log.warn(
          { err: error },
          "what the configuration changed could not be entered into the trail; it is tried again",
        );
      }
    }
  }

  const next = (): Promise<void> => {
    looking = looking.then(look);
    return looking;
  };
  const timer = setInterval(() => void next(), configurationLookMs).unref();
  void next();
  return {
    look: next,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await looking;
    },
  };
}

/** Nobody's key asked for it: the actor is the file, by its name alone. */
function eventOf(change: ConfigurationChange) {
  const { version, digest, source, appliedUnixUs, beforeJson, afterJson } = change;
  const applied_time = new Date(Number(appliedUnixUs / 1_000n)).toISOString();
  return {
    procedure,
    actor: source === "environment" ? "environment" : `file ${source}`,
    target: targetOf(change),
    valuesJson: JSON.stringify({ version: version.toString(), digest, source, applied_time }),
    beforeJson,
    afterJson,
    outcome: "done",
  };
}
