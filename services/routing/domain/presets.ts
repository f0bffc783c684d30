import { z } from "zod";
import { ConfigError, type Env, envOptional } from "../../../shared/config.ts";
import { moduleNames } from "../../../shared/modules.ts";
import type { ConfigSource } from "./compile.ts";
import { channelSchema, fileSchema } from "./config-schema.ts";
import { pathText } from "./problems.ts";
import { schemaProblems } from "./schema-problems.ts";

const envName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "must be the name of an environment variable");

/** presets/vendors.yaml: a channel for each vendor whose key is in the environment. */
export const vendorsSchema = z.strictObject({
  vendors: z.array(
    z.strictObject({
      /** Variable that holds the key: where it is set, the channel is there. */
      key: envName,
      /** Variable that overrides the channel's base URL. */
      base_url_from: envName,
      /** True: the vendor has no address for all, so the channel is there only where the variable of its base URL is set, too. */
      needs_base_url: z.boolean().default(false),
      /** Variables of the credential, where it has more parts than the key. As `env` of a credential. */
      credential: z.string().optional(),
      /** Provider of the price table whose models are names that the vendor takes. */
      table: z.string().optional(),
      /** True: every model of its lists is served; false: those that the presets or the file have, by name or pattern. */
      all: z.boolean().default(false),
      /** First days (UTC) on which the vendor serves a model, or all that a pattern stands for, no more. */
      ends: z.record(z.string(), z.iso.date()).default({}),
      channel: channelSchema,
    }),
  ),
});

/** presets/simulator.yaml: the stand-in upstream. */
export const simulatorSchema = z.strictObject({
  /** Modules whose preset models it serves while there is no other channel. */
  serves: z.array(z.enum(moduleNames)),
  /** Strategy of those models: nobody pays for what nobody thought. */
  price: z.string(),
  /** Its own models, prices and channel; `base_url` is replaced. */
  config: fileSchema,
});

/** What ships with the service; each checked by its schema. */
export interface Presets {
  /** The usual models, with aliases and strategies. */
  readonly models: ConfigSource;
  readonly vendors: z.output<typeof vendorsSchema>["vendors"];
  readonly simulator: z.output<typeof simulatorSchema>;
}

const emptyFile = fileSchema.parse({});

/**
 * The channels that the environment brings: one for each vendor of the presets whose key is set. The key itself stays
 * where it is: a channel only names its variable. Throws ConfigError when a base URL is no http or https URL.
 */
export function environmentChannels(env: Env, vendors: Presets["vendors"]): ConfigSource {
  const isSet = (name: string) => envOptional(env, name) !== undefined;
  const present = vendors.filter(
    ({ key, base_url_from, needs_base_url }) => isSet(key) && (!needs_base_url || isSet(base_url_from)),
  );
  const channels = present.map(({ key, base_url_from, credential = key, channel }) => {
    const base_url = baseUrl(env, base_url_from) ?? channel.base_url;
    // A server at another address may have no batches.
    const batches = base_url === channel.base_url ? channel.batches : "own";
    return { ...channel, base_url, batches, credentials: [{ env: credential }] };
  });
  const source = inward("environment", { ...emptyFile, channels }, { lenient: true, standIn: false });
  const rules = present.map(({ channel, base_url_from, needs_base_url, table = "", all, ends }) => {
    // Another address is another platform: it may serve for longer what the vendor has ended.
    const address = baseUrl(env, base_url_from) ?? channel.base_url;
    const isVendor = needs_base_url || address === channel.base_url;
    return [channel.name, { table, all, ends: isVendor ? ends : {} }] as const;
  });
  return { ...source, vendors: new Map(rules) };
}

/**
 * The simulator as a channel: its own models always, and every preset model of the modules it serves while there is no other
 * enabled channel at all. A URL without a path gets "/v1".
 */
export function simulatorChannel(url: string, presets: Presets): ConfigSource {
  const { serves, config, price } = presets.simulator;
  const named = presets.models.config.models
    .filter(({ name, module, auto }) => auto === undefined && !name.endsWith("*") && serves.includes(module))
    .map(({ name }) => ({ name, strategy: price }));
  const base_url = new URL(url).pathname === "/" ? `${url.replace(/\/+$/, "")}/v1` : url.replace(/\/+$/, "");
  const channels = config.channels.map((channel) => {
    const own = Array.isArray(channel.models) ? channel.models : Object.keys(channel.models);
    const simulated = own.map((model) =>
      typeof model === "string" && !model.endsWith("*") ? { name: model, strategy: price } : model,
    );
    return { ...channel, base_url, models: [...simulated, ...named] };
  });
  return inward("simulator", { ...config, channels }, { lenient: true, standIn: true });
}

/** A source that no file stands behind: its problems are placed by its name. */
export function inward(
  place: string,
  config: ConfigSource["config"],
  { lenient, standIn }: { lenient: boolean; standIn: boolean },
): ConfigSource {
  return { config, lenient, standIn, problem: (path, message) => ({ place, path: pathText(path), message }) };
}

function baseUrl(env: Env, name: string): string | undefined {
  const text = envOptional(env, name);
  if (text === undefined) return undefined;
  const checked = channelSchema.shape.base_url.safeParse(text);
  if (checked.success) return checked.data;
  // The value is not repeated: people put keys into URLs.
  throw new ConfigError(
    name,
    schemaProblems(checked.error).map(({ message }) => `${name} ${message}`),
  );
}
