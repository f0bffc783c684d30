import { embedded, type Imported, type ImportedChannel, nameOf, numberOf, objectOf, textOf } from "./imported.ts";
import { pricesOf } from "./new-api-prices.ts";
import { newApiTypes, type Vendor, vendors } from "./vendors.ts";

type Row = Readonly<Record<string, unknown>>;

const enabled = 1;

/** Fields of a channel that have no counterpart, and what is said of them. */
const told: Readonly<Record<string, string>> = {
  status_code_mapping: "the statuses of vendors are read by their adapters",
  param_override: "fields are renamed and dropped by the channel's flavour",
  setting: "proxies and other extras are set for the process, not for a channel",
  settings: "proxies and other extras are set for the process, not for a channel",
};

/**
 * Channels of new-api or one-api, as their API, their database or an export of it gives them, as our configuration.
 *
 * @param file a list of channels, or an answer that holds one under `data`, `data.items` or `channels`.
 * @param options their settings (`GET /api/option/`): ratios of groups and models become groups and strategies.
 */
export function fromNewApi(file: unknown, options?: unknown): Imported {
  const rows = rowsOf(file);
  if (rows === undefined) throw new TypeError("there is no list of channels: this is no export of new-api's channels");
  const notes: string[] = [];
  const secrets = new Map<string, string>();
  const names = new Set<string>();
  const equalWeights = rows.every((row) => (numberOf(row.weight) ?? 0) === 0);
  const channels: ImportedChannel[] = [];
  for (const [index, row] of rows.entries()) {
    const said = textOf(row.name) ?? `channel-${textOf(row.id) ?? index + 1}`;
    const type = numberOf(row.type) ?? 0;
    const known = newApiTypes[type];
    if (known === undefined) {
      notes.push(`Channel "${said}": there is no adapter for its type ${type}. It was left out.`);
      continue;
    }
    const vendor: Vendor = vendors[known.vendor];
    const baseUrl = baseUrlOf(row, vendor, known.path);
    if (baseUrl === undefined) {
      notes.push(`Channel "${said}": its address is not said. It was left out.`);
      continue;
    }
    const models = modelsOf(row);
    if (Object.keys(models).length === 0) {
      notes.push(`Channel "${said}" serves no model. It was left out.`);
      continue;
    }
    const name = nameOf(said, names);
    names.add(name);
    if (name !== said) notes.push(`Channel "${said}" is called "${name}".`);
    channels.push(channelOf(name, row, vendor, baseUrl, models, equalWeights, secrets));
    for (const [field, why] of Object.entries(told)) {
      const value = row[field];
      if (value !== undefined && value !== null && value !== "" && value !== "{}") {
        notes.push(`Channel "${said}": ${field} was left out; ${why}.`);
      }
    }
  }
  const prices = pricesOf(options, channels);
  notes.push(...prices.notes);
  return {
    config: {
      ...(prices.groups.length > 0 ? { groups: [...prices.groups] } : {}),
      ...(prices.strategies.length > 0 ? { strategies: [...prices.strategies] } : {}),
      ...(prices.models.length > 0 ? { models: [...prices.models] } : {}),
      channels,
    },
    notes,
    secrets,
  };
}

function rowsOf(file: unknown): readonly Row[] | undefined {
  const root = objectOf(file);
  const data = objectOf(root?.data);
  for (const list of [file, root?.data, data?.items, data?.data, root?.channels]) {
    if (Array.isArray(list)) return list.map(objectOf).filter((row) => row !== undefined);
  }
  return undefined;
}

function baseUrlOf(row: Row, vendor: Vendor, path: string): string | undefined {
  const said = textOf(row.base_url)?.replace(/\/+$/, "");
  if (said === undefined) return vendor.baseUrl === "" ? undefined : vendor.baseUrl;
  // An address that ends in a version has its path already.
  return path === "" || /\/v\d+(beta)?$/.test(said) || said.endsWith(path) ? said : `${said}${path}`;
}

/** The models by name; what `model_mapping` names is asked for by its other name, along chains as new-api does. */
function modelsOf(row: Row): Record<string, string> {
  const mapping = objectOf(embedded(row.model_mapping)) ?? {};
  const models: Record<string, string> = {};
  for (const name of (textOf(row.models) ?? "").split(",").map((part) => part.trim())) {
    if (name === "") continue;
    let upstream = name;
    for (const seen = new Set<string>(); !seen.has(upstream); ) {
      seen.add(upstream);
      upstream = textOf(mapping[upstream]) ?? upstream;
    }
    models[name] = upstream;
  }
  return models;
}

function channelOf(
  name: string,
  row: Row,
  vendor: Vendor,
  baseUrl: string,
  models: Record<string, string>,
  equalWeights: boolean,
  secrets: Map<string, string>,
): ImportedChannel {
  const groups = (textOf(row.group) ?? "default").split(",").flatMap((group) => textOf(group) ?? []);
  const priority = numberOf(row.priority) ?? 0;
  const headers = headersOf(row);
  const version = vendor.flavour === "azure" ? textOf(row.other) : undefined;
  const flavour = {
    ...(vendor.flavour === undefined ? {} : { vendor: vendor.flavour }),
    ...(version === undefined ? {} : { path: `/openai/deployments/{model}/chat/completions?api-version=${version}` }),
  };
  return {
    name,
    adapter: vendor.adapter,
    base_url: baseUrl,
    ...(Object.keys(flavour).length > 0 ? { flavour } : {}),
    credentials: credentialsOf(name, row, secrets),
    groups,
    ...(priority === 0 ? {} : { priority: Math.round(priority) }),
    ...(equalWeights ? {} : { weight: Math.round(numberOf(row.weight) ?? 0) }),
    ...((numberOf(row.status) ?? enabled) === enabled ? {} : { enabled: false }),
    ...(headers === undefined ? {} : { headers }),
    models,
  };
}

/** A variable for each key of the channel: keys are in no configuration. An export without keys names the variables. */
function credentialsOf(name: string, row: Row, secrets: Map<string, string>): { env: string }[] {
  const stem = `CHANNEL_${name.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_KEY`;
  const keys = keysOf(row);
  const envs = keys.map((_, index) => (keys.length === 1 ? stem : `${stem}_${index + 1}`));
  for (const [index, env] of envs.entries()) secrets.set(env, keys[index] ?? "");
  return envs.length === 0 ? [{ env: stem }] : envs.map((env) => ({ env }));
}

function keysOf(row: Row): readonly string[] {
  const key = textOf(row.key);
  if (key === undefined) return [];
  const list = key.startsWith("[") ? embedded(key) : undefined;
  if (Array.isArray(list)) return list.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  if (key.startsWith("{")) return [key];
  return key.split("\n").flatMap((line) => textOf(line) ?? []);
}

function headersOf(row: Row): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  const organization = textOf(row.openai_organization);
  if (organization !== undefined) headers["OpenAI-Organization"] = organization;
  for (const [name, value] of Object.entries(objectOf(embedded(row.header_override)) ?? {})) {
    const text = textOf(value);
    if (text !== undefined && !/authorization|api-?key|cookie|^host$/i.test(name) && !text.includes("{"))
      headers[name] = text;
  }
  return Object.keys(headers).length > 0 ? headers : undefined;
}
