import {
  calcPrice,
  findProvider,
  type ModelInfo,
  type ModelPrice,
  type Provider,
  TieredPrices,
} from "@pydantic/genai-prices";
import type { ListPrices } from "./types.ts";

/** What the maintained table says of a model. */
export interface TableEntry {
  /** Where in the table it was found, e.g. "openai/gpt-4o". */
  readonly id: string;
  /** Null: listed without a price that we can charge. */
  readonly prices: ListPrices | null;
  /** Most input and output tokens together. 0: not said. */
  readonly contextWindowTokens: number;
  /** What one flat price cannot say. Empty: nothing. */
  readonly caveat: string;
}

/** Where a model is served, as far as it helps to find its price. */
export interface PriceQuestion {
  readonly platform: string;
  readonly baseUrl: string;
  readonly upstreamModel: string;
  readonly model: string;
  /** Vendor of the model itself: asked when the table does not know the place. */
  readonly vendor: string;
}

export interface PriceTable {
  /** The entry of a model at a vendor, or of the model's own vendor when the table does not know the place. */
  find(question: PriceQuestion): TableEntry | undefined;
}

/**
 * The maintained table of @pydantic/genai-prices, as it came with the package (nothing is fetched).
 *
 * @param nowMs Unix milliseconds: prices that begin later do not count.
 */
export function createPriceTable(nowMs: number): PriceTable {
  const now = new Date(nowMs);
  // Places and models are matched by regular expressions, over 700 of them at some vendors: each is asked once.
  const places = new Map<string, Provider | undefined>();
  const entries = new Map<string, TableEntry | undefined>();

  const vendorOf = (providerId: string) =>
    cached(places, providerId, () => (providerId === "" ? undefined : findProvider({ providerId })));
  const placeOf = ({ platform, baseUrl }: PriceQuestion) =>
    baseUrl === ""
      ? vendorOf(platform)
      : (cached(places, baseUrl, () => findProvider({ providerApiUrl: baseUrl })) ?? vendorOf(platform));

  const lookup = (names: readonly string[], asked: Iterable<Provider | undefined>): TableEntry | undefined => {
    for (const place of asked) {
      for (const name of names) {
        const found = calcPrice({}, name, { timestamp: now, ...(place === undefined ? {} : { provider: place }) });
        if (found !== null) return entry(`${found.provider.id}/${found.model.id}`, found.model, now);
      }
    }
    return undefined;
  };

  return {
    find(question) {
      const { upstreamModel, model, vendor } = question;
      const names = upstreamModel === model ? [model] : [upstreamModel, model];
      // The last, undefined, lets the table guess the vendor from the model's name.
      const asked = new Set([placeOf(question), vendorOf(vendor), undefined]);
      const key = JSON.stringify([names, [...asked].map((place) => place?.id)]);
      return cached(entries, key, () => lookup(names, asked));
    },
  };
}

function cached<V>(cache: Map<string, V>, key: string, make: () => V): V {
  const known = cache.get(key);
  if (known !== undefined || cache.has(key)) return known as V;
  const made = make();
  cache.set(key, made);
  return made;
}

function entry(id: string, model: ModelInfo, now: Date): TableEntry {
  const { price, caveat } = flatPrice(model, now);
  const { prices, tiered } = listPrices(price);
  const caveats = [caveat, tiered ? "its prices rise with the length of the input: the first tier is charged" : ""];
  return {
    id,
    prices,
    contextWindowTokens: model.context_window ?? 0,
    caveat: caveats.filter((text) => text !== "").join("; "),
  };
}

/** The price list that holds now. Of several for hours of the day the dearest holds: a charge is never below the cost. */
function flatPrice(model: ModelInfo, now: Date): { price: ModelPrice; caveat: string } {
  if (!Array.isArray(model.prices)) return { price: model.prices, caveat: "" };
  const today = now.toISOString().slice(0, 10);
  const byHour = model.prices.filter(({ constraint }) => constraint !== undefined && !("start_date" in constraint));
  const byDate = model.prices.filter(
    ({ constraint }) => constraint === undefined || ("start_date" in constraint && constraint.start_date <= today),
  );
  const current = byDate.at(-1)?.prices ?? {};
  if (byHour.length === 0) return { price: current, caveat: "" };
  const dearest = [current, ...byHour.map(({ prices }) => prices)].reduce((a, b) =>
    base(b.output_mtok) > base(a.output_mtok) ? b : a,
  );
  return { price: dearest, caveat: "its prices change with the hour: the dearest is charged" };
}

function listPrices(price: ModelPrice): { prices: ListPrices | null; tiered: boolean } {
  const tiered = ["input_mtok", "output_mtok", "cache_read_mtok"].some(
    (key) => price[key] instanceof TieredPrices || typeof price[key] === "object",
  );
  const has = ["input_mtok", "output_mtok", "audio_hours", "input_audio_hours", "requests_kcount"].some(
    (key) => price[key] !== undefined,
  );
  if (!has) return { prices: null, tiered };
  const input = base(price.input_mtok);
  const output = base(price.output_mtok);
  const audioHour = Math.max(base(price.audio_hours), base(price.input_audio_hours));
  const prices: ListPrices = {
    inputNanoUsdPerMtok: nano(input),
    cachedInputNanoUsdPerMtok: nano(price.cache_read_mtok === undefined ? input : base(price.cache_read_mtok)),
    cacheWriteNanoUsdPerMtok: nano(price.cache_write_mtok === undefined ? input : base(price.cache_write_mtok)),
    outputNanoUsdPerMtok: nano(output),
    reasoningNanoUsdPerMtok: nano(
      price.output_reasoning_mtok === undefined ? output : base(price.output_reasoning_mtok),
    ),
    imageNanoUsd: 0n,
    audioSecondNanoUsd: nano(audioHour / 3_600),
    characterNanoUsdPerMchar: 0n,
    requestNanoUsd: nano(base(price.requests_kcount) / 1_000),
  };
  return { prices, tiered };
}

function base(price: ModelPrice[string]): number {
  if (price === undefined) return 0;
  return typeof price === "number" ? price : price.base;
}

/** The table has at most nine decimals, as binary fractions: rounding gives back what its authors wrote. */
function nano(usd: number): bigint {
  return BigInt(Math.round(usd * 1e9));
}
