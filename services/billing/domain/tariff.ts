import { createHash } from "node:crypto";
import type { Prices } from "../../../shared/money/prices.ts";
import { ratesKey } from "./vectors.ts";

/**
 * What many ledger entries have in common: the work, where it was done, and at what price. Each combination is stored
 * once, so an entry carries four bytes for all of it.
 */
export interface Tariff extends Prices {
  /** Module name, e.g. "chat". */
  readonly module: string;
  /** Configured public model name. */
  readonly model: string;
  /** The client's dialect. Empty: not known. */
  readonly dialect: string;
  /** Group of the key. Empty: not known. */
  readonly group: string;
  /** Channel that served the request. Empty: none. */
  readonly channel: string;
  /** Vendor of the channel. Empty: none. */
  readonly platform: string;
  /** Strategy that set the prices. */
  readonly strategy: string;
  /** Where the prices come from; the numbers of `common.v1.PriceSource`. */
  readonly priceSource: number;
  /** The prices of the vendor's list, as a tariff of no work; "own": this one's. Absent: not known. */
  readonly list?: Tariff | "own" | undefined;
}

/** Texts of the tariff of a list, which many kinds of work share. */
export const ofList = {
  module: "",
  model: "",
  dialect: "",
  group: "",
  channel: "",
  platform: "",
} as const;

/** A text that two tariffs share only when they are equal: JSON escapes what separates. */
export function tariffKey(tariff: Tariff): string {
  return (
    JSON.stringify([
      tariff.module,
      tariff.model,
      tariff.dialect,
      tariff.group,
      tariff.channel,
      tariff.platform,
      tariff.strategy,
    ]) +
    `${tariff.priceSource}:${tariff.inputNanoUsdPerMtok}:${tariff.cachedInputNanoUsdPerMtok}:` +
    `${tariff.cacheWriteNanoUsdPerMtok}:${tariff.outputNanoUsdPerMtok}:${tariff.reasoningNanoUsdPerMtok}:` +
    `${tariff.imageNanoUsd}:${tariff.audioSecondNanoUsd}:${tariff.characterNanoUsdPerMchar}:` +
    `${tariff.requestNanoUsd}:${tariff.groupRatioPpm}${ratesKey(tariff.rates)}${listKey(tariff.list)}`
  );
}

/** Empty where the list is not known, as of tariffs from before there were lists. */
function listKey(list: Tariff["list"]): string {
  if (list === undefined) return "";
  return list === "own" ? "|own" : `|${tariffKey(list)}`;
}

/** What a tariff is known by in the database: 32 bytes. */
export function tariffHash(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
