import {
  decimal,
  type Imported,
  type ImportedChannel,
  type ImportedModel,
  type ImportedStrategy,
  nameOf,
  numberOf,
  objectOf,
  textOf,
} from "./imported.ts";
import { type Variables, whyNoAddress, withVariables } from "./litellm-env.ts";
import { settingNotes } from "./litellm-notes.ts";
import {
  accountOf,
  baseUrlOf,
  channelOf,
  credentialOf,
  type Params,
  placeOf,
  servedName,
  whyNoPlace,
} from "./litellm-params.ts";
import type { Vendor } from "./vendors.ts";

/** Modules by LiteLLM's `mode`. */
const modules: Readonly<Record<string, string>> = {
  embedding: "embeddings",
  image_generation: "image",
  video_generation: "video",
  audio_speech: "audio",
  audio_transcription: "audio",
  rerank: "rerank",
  moderation: "moderation",
};

/** Prices by LiteLLM's fields, which are dollars a token. */
const tokenPrices: Readonly<Record<string, string>> = {
  input_cost_per_token: "input",
  output_cost_per_token: "output",
  cache_read_input_token_cost: "cached_input",
  cache_creation_input_token_cost: "cache_write",
  output_cost_per_reasoning_token: "reasoning",
};

/**
 * A LiteLLM `config.yaml`, read, as our configuration: deployments of one account become a channel, deployments of one
 * name stay alternatives of it, fallbacks become channels of a lower priority. Addresses that stand in `variables` are
 * written out.
 */
export function fromLitellm(file: unknown, variables: Variables = {}): Imported {
  const root = objectOf(file);
  const list = root?.model_list;
  if (!Array.isArray(list)) throw new TypeError("there is no model_list: this is no config.yaml of LiteLLM");
  const notes: string[] = [];
  const secrets = new Map<string, string>();
  const channels = new Map<string, ImportedChannel>();
  const names = new Set<string>();
  const models = new Map<string, ImportedModel>();
  const strategies = new Map<string, ImportedStrategy>();

  for (const [index, entry] of list.entries()) {
    const where = `model_list[${index}]`;
    const said = objectOf(objectOf(entry)?.litellm_params);
    const name = textOf(objectOf(entry)?.model_name);
    const model = textOf(said?.model);
    if (said === undefined || name === undefined || model === undefined) {
      notes.push(`${where} has no model_name and litellm_params.model: it was left out.`);
      continue;
    }
    const place = placeOf(model, said);
    if (place === undefined) {
      notes.push(`${where} (${name}): ${whyNoPlace(model)}. It was left out.`);
      continue;
    }
    const params = withVariables(place.vendor, said, variables);
    const baseUrl = baseUrlOf(place.vendor, params);
    if (baseUrl === undefined) {
      notes.push(`${where} (${name}): ${whyNoAddress(place.vendor, params)}. It was left out.`);
      continue;
    }
    const served = servedName(name, place.upstream);
    if (served === undefined) {
      notes.push(`${where} (${name}): a pattern must end in *, after a name or alone. It was left out.`);
      continue;
    }
    if (served.name !== name) {
      notes.push(`${where}: clients say the model's own name in place of "${name}", without a prefix.`);
    }
    const info = objectOf(objectOf(entry)?.model_info) ?? {};
    const credential = credentialOf(place.vendor, params, secrets);
    const account = accountOf(place.name, baseUrl, credential, params);
    const channel = freeChannel(channels, account, served.name, () => {
      const channelName = nameOf(place.vendor.channel, names);
      names.add(channelName);
      return channelOf(channelName, place.vendor, baseUrl, credential, params);
    });
    const strategy = strategyOf(served.name, params, info, strategies);
    const upstream = served.upstream;
    channel.models[served.name] = strategy === undefined ? upstream : { upstream, strategy };
    if (served.name !== upstream || Object.keys(info).length > 0) describe(models, served.name, info, place.vendor);
    notes.push(...paramNotes(where, name, { ...info, ...params }));
  }

  const found = [...channels.values()];
  const settings = settingNotes(root ?? {});
  const { aliases, fallbacks } = settings;
  const fallen = fallbackChannels(fallbacks, found, names);
  notes.push(...fallen.notes, ...settings.notes);
  return {
    config: {
      ...(strategies.size > 0 ? { strategies: [...strategies.values()] } : {}),
      ...(models.size > 0 ? { models: [...models.values()] } : {}),
      ...(Object.keys(aliases).length > 0 ? { aliases } : {}),
      channels: [...found, ...fallen.channels],
    },
    notes,
    secrets,
  };
}

/** The channel of an account that does not serve the name yet; LiteLLM may have several deployments of one account and name. */
function freeChannel(
  channels: Map<string, ImportedChannel>,
  account: string,
  name: string,
  make: () => ImportedChannel,
): ImportedChannel {
  for (let n = 0; ; n++) {
    const key = `${account}#${n}`;
    const channel = channels.get(key);
    if (channel !== undefined && Object.hasOwn(channel.models, name)) continue;
    if (channel !== undefined) return channel;
    const made = make();
    channels.set(key, made);
    return made;
  }
}

/** The name of a strategy with the prices that the deployment says, if it says any. */
function strategyOf(
  name: string,
  params: Params,
  info: Params,
  strategies: Map<string, ImportedStrategy>,
): string | undefined {
  const prices: Record<string, string> = {};
  for (const [field, key] of Object.entries(tokenPrices)) {
    const cost = numberOf(params[field]) ?? numberOf(info[field]);
    if (cost !== undefined && cost >= 0) prices[key] = decimal(cost * 1_000_000);
  }
  if (Object.keys(prices).length === 0) return undefined;
  const free = Object.values(prices).every((price) => price === "0");
  for (let n = 1; ; n++) {
    const key = `${name.replace(/[^\w.:/@+-]/g, "-")}${n === 1 ? "" : `-${n}`}`;
    const strategy: ImportedStrategy = free ? { name: key, free: true } : { name: key, prices };
    const there = strategies.get(key);
    if (there !== undefined && JSON.stringify(there) !== JSON.stringify(strategy)) continue;
    strategies.set(key, strategy);
    return key;
  }
}

function describe(models: Map<string, ImportedModel>, name: string, info: Params, vendor: Vendor): void {
  if (name.endsWith("*") || models.has(name)) return;
  const module = modules[textOf(info.mode) ?? ""];
  const input = numberOf(info.max_input_tokens);
  const output = numberOf(info.max_output_tokens) ?? numberOf(info.max_tokens);
  models.set(name, {
    name,
    ...(module === undefined ? {} : { module }),
    owned_by: vendor.channel,
    ...(input === undefined ? {} : { context_window: Math.round(input) }),
    ...(output === undefined ? {} : { max_output: Math.round(output) }),
  });
}

const limits = ["rpm", "tpm", "max_parallel_requests", "max_budget", "budget_duration"];
/** Left out: they have no counterpart. `base_model` is what LiteLLM prices a deployment by; here a name or a strategy does. */
const unknown = ["base_model", "mock_response", "mock_timeout", "region_name", "fallbacks", "guardrails"];

function paramNotes(where: string, name: string, params: Params): string[] {
  const said = (fields: readonly string[]) => fields.filter((field) => params[field] !== undefined);
  const bounded = said(limits);
  const left = said(unknown);
  return [
    ...(bounded.length === 0
      ? []
      : [
          `${where} (${name}): ${bounded.join(", ")} is no bound here, where limits belong to keys and accounts; weight, rpm or tpm is the channel's weight.`,
        ]),
    ...(left.length === 0 ? [] : [`${where} (${name}): ${left.join(", ")} was left out.`]),
  ];
}

/** `fallbacks`: the models of what stands in become channels of lower priorities that serve the failing name as well. */
function fallbackChannels(
  fallbacks: ReadonlyMap<string, readonly string[]>,
  channels: readonly ImportedChannel[],
  names: Set<string>,
): { readonly channels: readonly ImportedChannel[]; readonly notes: readonly string[] } {
  const made: ImportedChannel[] = [];
  const notes: string[] = [];
  const lowest = Math.min(0, ...channels.map(({ priority }) => priority ?? 0));
  for (const [name, standIns] of fallbacks) {
    for (const [place, standIn] of standIns.entries()) {
      const serving = channels.filter(({ models }) => Object.hasOwn(models, standIn));
      if (serving.length === 0)
        notes.push(`The fallback of "${name}" to "${standIn}" was left out: no channel serves "${standIn}".`);
      for (const channel of serving) {
        const served = channel.models[standIn] ?? standIn;
        const channelName = nameOf(`${channel.name}-for-${name}`, names);
        names.add(channelName);
        made.push({ ...channel, name: channelName, priority: lowest - 10 * (place + 1), models: { [name]: served } });
      }
    }
  }
  if (made.length > 0)
    notes.push(
      "What answers as a fallback is charged at the price of the name that was asked for, unless the channel names a strategy.",
    );
  return { channels: made, notes };
}
