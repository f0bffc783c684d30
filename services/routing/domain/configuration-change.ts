import { basename } from "node:path";
import { formatUsd } from "../../../shared/money/usd.ts";
import { scrubJson } from "../../../shared/scrub.ts";
import { priceUnits, unitEntry } from "../../../shared/units.ts";
import type { Channel, Configuration, CredentialRef, ListPrices, Model, Strategy } from "./types.ts";

/** What differs between two configurations, as JSON without secrets; empty: there is nothing to tell. */
export interface ConfigurationChange {
  readonly before: string;
  readonly after: string;
}

/** Largest text of one side: the trail takes 64 kB. */
const maxBytes = 60_000;
/** Names of one kind that a side has at most where it is too long to tell them whole. */
const maxNames = 200;

type Things = Readonly<Record<string, ReadonlyMap<string, unknown>>>;

/**
 * Tells what a configuration changes of the one before: the channels, prices, models, groups and aliases that differ, each as it was and as
 * it is. Of a change that is too long the names are told alone, and of very many names how many there are.
 *
 * @param before undefined: it is the first, or the one before is not kept.
 */
export function configurationChange(before: Configuration | undefined, after: Configuration): ConfigurationChange {
  const [was, is] = [before === undefined ? undefined : thingsOf(before), thingsOf(after)];
  return { before: was === undefined ? "" : toText(differing(was, is)), after: toText(differing(is, was)) };
}

/** The things of one configuration that are not the same in the other. */
function differing(own: Things, other: Things | undefined): Things {
  const kinds = Object.entries(own).map(([kind, things]) => {
    const left = [...things].filter(([name, thing]) => toJson(thing) !== toJson(other?.[kind]?.get(name)));
    return [kind, new Map(left)] as const;
  });
  return Object.fromEntries(kinds.filter(([, things]) => things.size > 0));
}

function toText(things: Things): string {
  const kinds = Object.entries(things);
  const whole = toJson(Object.fromEntries(kinds.map(([kind, of]) => [kind, Object.fromEntries(of)])));
  if (Buffer.byteLength(whole) <= maxBytes) return scrubJson(whole);
  const named = kinds.map(([kind, of]) => {
    const names = [...of.keys()].map((name) => name.slice(0, 100));
    return [kind, { changed: names.length, names: names.slice(0, maxNames) }] as const;
  });
  const names = toJson(Object.fromEntries(named));
  if (Buffer.byteLength(names) <= maxBytes) return scrubJson(names);
  return toJson(Object.fromEntries(named.map(([kind, { changed }]) => [kind, { changed }])));
}

function thingsOf({ channels, strategies, models, groups, aliases }: Configuration): Things {
  return {
    channels: new Map(channels.map((channel) => [channel.name, channelSeen(channel)])),
    prices: new Map(strategies.map((strategy) => [strategy.key, strategySeen(strategy)])),
    models: new Map(models.map((model) => [model.name, modelSeen(model)])),
    groups: new Map(groups.map(({ name, ratioPpm }) => [name, { ratio: ratioPpm / 1_000_000 }])),
    aliases: new Map(Object.entries(aliases)),
  };
}

/** A channel without what may be a secret: of headers their names, of credentials where they are. */
function channelSeen({ headers, credentials, ...channel }: Channel): object {
  return { ...channel, headerNames: Object.keys(headers), credentials: credentials.map(placeOf) };
}

/** Where a credential is, without the folders of this machine. */
function placeOf(credential: CredentialRef): string {
  if ("env" in credential) return `env:${credential.env}`;
  return "file" in credential ? `file:${basename(credential.file)}` : "sealed";
}

function strategySeen({ key: _key, prices, byHour, list, ...strategy }: Strategy): object {
  return {
    ...strategy,
    ...(prices === null ? {} : { prices: pricesSeen(prices) }),
    ...(byHour === undefined
      ? {}
      : { by_hour: byHour.map((part) => ({ from_s: part.fromS, prices: pricesSeen(part.prices) })) }),
    ...(list === "" ? {} : { list }),
  };
}

/** Prices in US dollars for so much of a unit, those that are spelled out as nothing left out. */
function pricesSeen(prices: ListPrices): object[] {
  const plain = priceUnits.flatMap(({ unit, price }) =>
    prices[price] === 0n ? [] : [{ unit, nanoUsd: prices[price], when: undefined }],
  );
  return [...plain, ...(prices.rates ?? [])].map(({ unit, nanoUsd, when }) => {
    const { name, divisor } = unitEntry(unit);
    const held = when && { above_input_tokens: when.aboveInputTokens.toString(), ...when.traits };
    return { unit: name, usd: formatUsd(nanoUsd), per: Number(divisor), ...(held === undefined ? {} : { when: held }) };
  });
}

function modelSeen({ name: _name, ...model }: Model): object {
  return model;
}

/** JSON whose bigints are text. */
function toJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part)) ?? "undefined"
  );
}
