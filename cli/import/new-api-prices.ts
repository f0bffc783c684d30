import {
  decimal,
  embedded,
  type ImportedChannel,
  type ImportedModel,
  type ImportedStrategy,
  numberOf,
  objectOf,
  textOf,
} from "./imported.ts";

type Ratios = Readonly<Record<string, unknown>>;

/** Dollars a million tokens that a ratio of 1 stands for: $0.002 a thousand. */
const usdPerMillion = 2;

/**
 * Groups, strategies and models of new-api's settings, for the models that its channels serve.
 *
 * @param options a list of `{ key, value }`, alone or under `data`, or an object of the settings by name.
 */
export function pricesOf(
  options: unknown,
  channels: readonly ImportedChannel[],
): {
  readonly groups: readonly { name: string; ratio: string }[];
  readonly strategies: readonly ImportedStrategy[];
  readonly models: readonly ImportedModel[];
  readonly notes: readonly string[];
} {
  const settings = settingsOf(options);
  const ratios = (name: string): Ratios => objectOf(embedded(settings[name])) ?? {};
  const groupRatios = ratios("GroupRatio");
  const used = new Set(channels.flatMap(({ groups }) => (groups === "*" ? [] : (groups ?? []))));
  const groups = [...new Set([...Object.keys(groupRatios), ...used])]
    .filter((name) => name !== "default" || groupRatios.default !== undefined)
    .map((name) => ({ name, ratio: decimal(numberOf(groupRatios[name]) ?? 1) }));

  const modelRatio = ratios("ModelRatio");
  const completionRatio = ratios("CompletionRatio");
  const cacheRatio = ratios("CacheRatio");
  const modelPrice = ratios("ModelPrice");
  const strategies: ImportedStrategy[] = [];
  const models: ImportedModel[] = [];
  for (const name of [...new Set(channels.flatMap((channel) => Object.keys(channel.models)))].sort()) {
    const price = numberOf(modelPrice[name]);
    const ratio = numberOf(modelRatio[name]);
    const prices: Record<string, string> = {};
    if (price !== undefined) prices.request = decimal(price);
    else if (ratio !== undefined) {
      const completion = numberOf(completionRatio[name]);
      const cache = numberOf(cacheRatio[name]);
      prices.input = decimal(ratio * usdPerMillion);
      // Left out there, new-api has a rule of its own for the model's family; the price of the input is its default.
      prices.output = decimal(ratio * usdPerMillion * (completion ?? 1));
      if (cache !== undefined) prices.cached_input = decimal(ratio * usdPerMillion * cache);
    } else continue;
    const strategy = name.replace(/[^\w.:/@+-]/g, "-");
    const free = Object.values(prices).every((value) => value === "0");
    strategies.push(free ? { name: strategy, free: true } : { name: strategy, prices });
    models.push({ name, strategy });
  }
  const guessed = models.filter(
    ({ name }) =>
      modelRatio[name] !== undefined && completionRatio[name] === undefined && modelPrice[name] === undefined,
  );
  const notes =
    guessed.length === 0
      ? []
      : [
          `These models have no CompletionRatio, so their output costs what their input does; look at them: ${guessed.map(({ name }) => name).join(", ")}.`,
        ];
  return { groups, strategies, models, notes };
}

function settingsOf(options: unknown): Ratios {
  const inner = objectOf(options)?.data ?? options;
  if (!Array.isArray(inner)) return objectOf(inner) ?? {};
  return Object.fromEntries(
    inner.flatMap((entry) => {
      const key = textOf(objectOf(entry)?.key);
      return key === undefined ? [] : [[key, objectOf(entry)?.value]];
    }),
  );
}
