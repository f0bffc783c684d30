import type { GroupPrice } from "./group-price.ts";
import type { Names } from "./names.ts";
import type { Weighted } from "./order.ts";
import type { Channel, ChannelModel, Configuration, Group, Model } from "./types.ts";

/** A channel as it serves one model to one group. */
export interface Member extends Weighted {
  readonly channel: Channel;
  readonly served: ChannelModel;
  readonly price: GroupPrice;
  /** "priority 10, weight 3 of 5". */
  readonly rankText: string;
}

/** The channels of one priority. */
export interface Tier {
  readonly priority: number;
  readonly members: readonly Member[];
}

/** All that can serve one model to one group. */
export interface Serving {
  readonly model: Model;
  /** Highest priority first. */
  readonly tiers: readonly Tier[];
  /** Channels that serve the model but not now or not to this group, with the reason. */
  readonly skipped: readonly { readonly channel: string; readonly reason: string }[];
  /** True: some channel would serve the group were it enabled. */
  readonly onlyDisabled: boolean;
  /** True: the table has to price the name that a request asks for, which is not this one. */
  readonly pricedByName: boolean;
}

/** The configuration as resolving reads it. Never changed once built: a new one takes its place. */
export interface Snapshot {
  /** Version of the database's state that it was made from. */
  readonly version: bigint;
  readonly names: Names;
  /** All channels, those entered at run time included, sorted by name. */
  readonly channels: readonly SnapshotChannel[];
  /** Models by name: those of the configuration, and those that channels name and a pattern of it stands for. */
  readonly models: ReadonlyMap<string, Model>;
  /** When a vendor made a model, in Unix seconds, where its list says so. */
  createdUnixS(model: string): number | undefined;
  /** First day (UTC) on which the vendors of a model's channels serve it no more; undefined: none is known. */
  endsOn(model: string): string | undefined;
  /** The pattern of each model that channels name and that only a pattern of the configuration stands for. */
  readonly patternOf: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly configuration: Configuration;
  /**
   * Who can serve a model to a group; undefined when the group or the model is not configured. Of a pattern, `concrete` is
   * the name that is asked for.
   */
  serving(group: string, model: string, concrete?: string): Serving | undefined;
  /** Models that a group can use, sorted by name; an auto model only when it has something to choose among. */
  modelsOf(group: string): readonly Model[];
  /** What could not be used of the channels entered at run time, in sentences. */
  readonly warnings: readonly string[];
}

/** A channel and where it was defined. */
export interface SnapshotChannel extends Channel {
  readonly fromFile: boolean;
}
