import type { ModuleName } from "../../../shared/modules.ts";
import type { Prices } from "../../../shared/money/prices.ts";
import type { Capability } from "./capabilities.ts";
import type { Ends } from "./ends.ts";

/** A kind of work. */
export type Module = ModuleName;

/** By what an `auto` model chooses among models. */
export const preferences = ["balanced", "cheap", "fast"] as const;
export type Preference = (typeof preferences)[number];

/** Prices before the group's ratio, in nano-USD (see common.v1.Pricing for the units). */
export type ListPrices = Omit<Prices, "groupRatioPpm">;

/** The prices of a part of the day. */
export interface DayPart {
  /** When it begins, in seconds from midnight UTC. It ends where the next begins. */
  readonly fromS: number;
  readonly prices: ListPrices;
}

/** Prices, and how they change with the hour. */
export interface PriceList {
  /** Those that hold at midnight UTC. */
  readonly prices: ListPrices;
  /** The parts of the day, the first from 0 on. Absent: the prices hold all day. */
  readonly byHour?: readonly DayPart[];
}

/** Where prices come from: the strategy's own configuration, the maintained table, or a mark that it is free. */
export type PriceOrigin = "strategy" | "table" | "free";

/** A named set of prices, with the extraction of `custom_response`. */
export interface Strategy {
  /** What channels refer to it by: its name, or for prices of the table a key that says which. */
  readonly key: string;
  readonly name: string;
  /** Null: the table prices each model that uses it, as a strategy of its own. */
  readonly prices: ListPrices | null;
  /** As in `PriceList`. */
  readonly byHour?: readonly DayPart[];
  readonly origin: PriceOrigin;
  /** JMESPath expression. Empty: none. */
  readonly customResponse: string;
  /** Key of the strategy whose prices are those of the vendor's list, its own perhaps. Empty: the table may know them. */
  readonly list: string;
}

/** A group of keys: what it pays and, through the channels' lists, what it may use. */
export interface Group {
  readonly name: string;
  /** Parts per million: 1,000,000 pays the list price, 0 nothing. */
  readonly ratioPpm: number;
}

/** A public model. */
export interface Model {
  /** Public name. One that ends in `*` stands for every name with the text before it. */
  readonly name: string;
  readonly module: Module;
  /** Vendor as shown to clients. */
  readonly ownedBy: string;
  /** Most input and output tokens together. 0: unknown. */
  readonly contextWindowTokens: number;
  /** Most output tokens. 0: unknown. */
  readonly maxOutputTokens: number;
  /** What it can do. Null: not said; requests are let through, and `auto` does not choose it where a capability is needed. */
  readonly capabilities: readonly Capability[] | null;
  /** Strategy of the channels that name none. Empty: none. */
  readonly strategy: string;
  /** Set on a model that stands for a choice among others. */
  readonly auto: { readonly prefer: Preference /** Empty: all. */; readonly among: readonly string[] } | null;
}

/** Where a credential is. `sealed` is base64 of what shared/sealed-credential.ts seals. */
export type CredentialRef = { readonly env: string } | { readonly file: string } | { readonly sealed: string };

/** A model as a channel serves it. */
export interface ChannelModel {
  /** Public model name. */
  readonly model: string;
  /** Name sent upstream. With a model that ends in `*`, a `*` here stands for what the client wrote in its place. */
  readonly upstreamModel: string;
  /** Strategy that prices it here, as configured. Empty: the model's. */
  readonly strategy: string;
  /**
   * Name of the vector space of its embeddings: two with the same give vectors that may be compared. Empty: the name sent
   * upstream. Absent in channels that were stored before it was known.
   */
  readonly space?: string;
  /** Key of the strategy that the price table gave. Empty: the strategy carries its own prices. */
  readonly tableKey: string;
}

/** How a channel serves what lists name that its own models do not. */
export interface ListRule {
  /** The upstream is asked for its list. */
  readonly asks: boolean;
  /** Provider of the price table whose models count as listed. Empty: none. */
  readonly table: string;
  /** False: of a list it serves models of the configuration, and what a pattern of its own stands for. True: every one. */
  readonly all: boolean;
  /** Strategy of what is listed. Empty: the model's, else the price table's. */
  readonly strategy: string;
  /** Module of what no model of the configuration stands for. Empty: by its name. */
  readonly module: Module | "";
  /** When the vendor ends its models. Absent: nothing is known. */
  readonly ends?: Ends;
}

/** A model as an upstream's list has it. */
export interface ListedModel {
  readonly name: string;
  /** When its vendor made it, in Unix seconds. 0: not said. */
  readonly createdUnixS: number;
  /** First day (UTC, "2026-12-01") on which it is served no more. Empty: not said. */
  readonly endsOn: string;
}

/** How a channel uses the batches of its vendor. */
export interface ChannelBatches {
  /** What lines cost there, in parts per million of what the same requests cost at once. */
  readonly priceRatioPpm: number;
  /** What they cost there by the vendor's own list, likewise. Absent: what the vendor is known for. */
  readonly listRatioPpm?: number;
}

/** One upstream account. */
export interface Channel {
  readonly name: string;
  readonly adapter: string;
  /** Vendor as history shows it. */
  readonly platform: string;
  readonly baseUrl: string;
  readonly credentials: readonly CredentialRef[];
  /** Empty: "x-request-id"; "-": none. */
  readonly requestIdHeader: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Settings of the adapter's flavour; a JSON object. */
  readonly flavour: Readonly<Record<string, unknown>>;
  /** 0: the provider's default. */
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly chunkTimeoutMs: number;
  /** Absent in channels that were stored before it was known: 0. */
  readonly firstTokenTimeoutMs?: number;
  /** As `firstTokenTimeoutMs`. */
  readonly bodyTimeoutMs?: number;
  readonly enabled: boolean;
  /** Higher goes first. */
  readonly priority: number;
  /** Share within its priority. 0: only when no other is left. */
  readonly weight: number;
  /** Groups that may use it; "*" for all. */
  readonly groups: readonly string[];
  readonly models: readonly ChannelModel[];
  /** Absent: batches are run line by line. */
  readonly batches?: ChannelBatches;
  /** Absent: it serves `models` alone. */
  readonly lists?: ListRule;
  /** True: serves a model only while no other enabled channel does (the simulator). */
  readonly standIn: boolean;
}

/** Everything that the file, the environment and the presets say, checked and complete. */
export interface Configuration {
  readonly groups: readonly Group[];
  readonly strategies: readonly Strategy[];
  readonly models: readonly Model[];
  /** Alias to target, as configured: a target may be a model, another alias, or either with a suffix. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly channels: readonly Channel[];
}

/** A channel entered at run time, with the prices that the table gave for its models. */
export interface RuntimeChannel {
  readonly channel: Channel;
  readonly strategies: readonly Strategy[];
}
