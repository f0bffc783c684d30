import { readFileSync } from "node:fs";
import type { Env } from "../../shared/config.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Channel, CredentialRef, RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import { adapters } from "./adapters/registry.ts";
import { writeChannelNote } from "./channel-note.ts";
import { createNotedChannels, type Noted } from "./noted-channels.ts";
import type { OpenChannel } from "./open-channel.ts";
import type { UpstreamRequest } from "./upstream/request.ts";

export type { OpenChannel } from "./open-channel.ts";

type Bounds = Pick<UpstreamRequest, "connectTimeoutMs" | "headersTimeoutMs" | "chunkTimeoutMs" | "bodyTimeoutMs">;

/** The bounds that a channel sets itself, for a request to it. */
export function boundsOf(channel: OpenChannel): Bounds {
  const { connectTimeoutMs, headersTimeoutMs, chunkTimeoutMs, bodyTimeoutMs } = channel;
  return {
    ...(connectTimeoutMs === 0 ? {} : { connectTimeoutMs }),
    ...(headersTimeoutMs === 0 ? {} : { headersTimeoutMs }),
    ...(chunkTimeoutMs === 0 ? {} : { chunkTimeoutMs }),
    ...(bodyTimeoutMs === 0 ? {} : { bodyTimeoutMs }),
  };
}

/** The channels of this process, as routing last told them. */
export interface Channels {
  /** The channel of a candidate. Asks routing at once when it is unknown or the configuration is newer. */
  find(name: string, configVersion: bigint): OpenChannel | Promise<OpenChannel>;
  /** The channel to ask after a job, of which this was noted at its start. Undefined: there is none any more. */
  findNoted(name: string, configVersion: bigint, noted: Noted): Promise<OpenChannel | undefined>;
  /** True: routing has told the channels at least once. */
  readonly known: boolean;
  stop(): void;
}

const callTimeoutMs = 5_000;
/** So long after it did not answer no request waits for routing where what is known serves. */
const leftAloneMs = 5_000;

/** Follows routing's channels: asks every `pollMs`, and at once for what is newer than what is known. */
export function followChannels(
  routing: Pick<ServiceClient<typeof RoutingService>, "getChannels">,
  options: {
    env: Env;
    pollMs: number;
    log: Pick<Log, "error" | "warn">;
    unseal: (channel: string, sealed: Uint8Array) => string;
  },
): Channels {
  const { env, log, pollMs, unseal } = options;
  let version = 0n;
  let byName = new Map<string, OpenChannel>();
  let asking: Promise<void> | undefined;
  let failedMs = Number.NEGATIVE_INFINITY;

  function ask(): Promise<void> {
    asking ??= routing
      .getChannels({ knownVersion: version }, { timeoutMs: callTimeoutMs })
      .then((answer) => {
        if (answer.unchanged) return;
        const next = new Map<string, OpenChannel>();
        for (const channel of answer.channels) {
          try {
            next.set(channel.name, openChannel(channel, env, unseal));
          } catch (error) {
            // One channel that cannot be opened must not take the others away.
            log.error({ err: error, channel: channel.name }, "channel cannot be used");
          }
        }
        byName = next;
        version = answer.version;
      })
      .catch((error: unknown) => {
        failedMs = performance.now();
        throw error;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  }

  async function findAnew(name: string, configVersion: bigint): Promise<OpenChannel> {
    await lookUp(name, configVersion);
    const channel = byName.get(name);
    if (channel === undefined) throw new ThroughlineError("service_unavailable", "The chosen channel is not usable.");
    return channel;
  }

  /** Asks for a channel that is not known, or for a newer configuration; where routing does not answer, what is known serves. */
  async function lookUp(name: string, configVersion: bigint): Promise<void> {
    const lacking = () => configVersion > version || !byName.has(name);
    if (!lacking()) return;
    if (byName.has(name) && performance.now() - failedMs < leftAloneMs) {
      void poll();
      return;
    }
    try {
      // An answer that was asked for already may be older than the configuration.
      const joined = asking !== undefined;
      await ask();
      if (joined && lacking()) await ask();
    } catch (error) {
      if (!byName.has(name)) throw error;
    }
  }

  const poll = () => ask().catch((error: unknown) => log.warn({ err: error }, "routing did not tell the channels"));
  const noted = createNotedChannels((channel) => openChannel(channel, env, unseal));
  const timer = setInterval(() => void poll(), pollMs);
  timer.unref();
  void poll();

  return {
    find(name, configVersion) {
      const known = configVersion > version ? undefined : byName.get(name);
      return known ?? findAnew(name, configVersion);
    },
    async findNoted(name, configVersion, job) {
      try {
        await lookUp(name, configVersion);
      } catch (error) {
        if (job.note === "") throw error;
      }
      return noted.choose(byName.get(name), job);
    },
    get known() {
      return version !== 0n;
    },
    stop: () => clearInterval(timer),
  };
}

function openChannel(channel: Channel, env: Env, unseal: (channel: string, sealed: Uint8Array) => string): OpenChannel {
  const adapter = adapters[channel.adapter];
  if (adapter === undefined) throw new Error(`unknown adapter '${channel.adapter}'`);
  const url = new URL(channel.baseUrl);
  const credentials = channel.credentials.map((ref) =>
    readCredential(ref, env, (sealed) => unseal(channel.name, sealed)),
  );
  const opened = adapter.open(channel.flavourJson, channel.baseUrl);
  for (const credential of credentials) (opened.checkCredential ?? assertHeader)(credential);
  let turn = 0;
  return {
    name: channel.name,
    platform: channel.platform,
    adapter: opened,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ""),
    host: url.hostname,
    port: Number(url.port) || (url.protocol === "https:" ? 443 : 80),
    headers: channel.headers,
    requestIdHeader: channel.requestIdHeader === "-" ? "" : channel.requestIdHeader || "x-request-id",
    connectTimeoutMs: channel.connectTimeoutMs,
    headersTimeoutMs: channel.headersTimeoutMs,
    chunkTimeoutMs: channel.chunkTimeoutMs,
    bodyTimeoutMs: channel.bodyTimeoutMs,
    firstTokenTimeoutMs: channel.firstTokenTimeoutMs,
    credentials,
    adapterName: channel.adapter,
    baseUrl: channel.baseUrl,
    flavourJson: channel.flavourJson,
    noteFor: (credential) => writeChannelNote(channel, channel.credentials[credentials.indexOf(credential)]),
    nextCredential() {
      turn = (turn + 1) % Math.max(1, credentials.length);
      return credentials[turn] ?? "";
    },
  };
}

/** Credentials go out in a header, where such a one, as by a quotation mark that a text processor made, would fail each request. */
function assertHeader(credential: string): void {
  if (/[^\x20-\x7e]/.test(credential))
    throw new Error("the credential holds characters that no header can have: a line break, or one beyond ASCII");
}

function readCredential({ source }: CredentialRef, env: Env, unseal: (sealed: Uint8Array) => string): string {
  switch (source.case) {
    case "env":
      return readParts(source.value, env);
    case "file":
      return readFileSync(source.value, "utf8").trim();
    case "sealed":
      return unseal(source.value);
    case undefined:
      throw new Error("a credential without a source");
  }
}

/** The values of variables with colons between them, as the names are written. One whose name ends in `?` may be missing. */
function readParts(names: string, env: Env): string {
  const parts = names.split(":").flatMap((given) => {
    const name = given.replace(/\?$/, "");
    const value = env[name]?.trim();
    if (value) return [value];
    if (name !== given) return [];
    throw new Error(`the environment variable ${name} is not set`);
  });
  return parts.join(":");
}
