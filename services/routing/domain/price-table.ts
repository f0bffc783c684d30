import { calcPrice, findProvider, type MatchLogic, type ModelInfo, type Provider } from "@pydantic/genai-prices";
import { LRUCache } from "lru-cache";
import { readTablePrices, type TablePrices } from "./table-prices.ts";

/** What the log says where prices of the table are left out. */
export const pricesNotAsWritten = "prices that are not charged as they are written";

/** What the maintained table says of a model. */
export interface TableEntry extends TablePrices {
  /** Where in the table it was found, e.g. "openai/gpt-4o". */
  readonly id: string;
  /** Most input and output tokens together. 0: not said. */
  readonly contextWindowTokens: number;
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

/** The table of public prices and limits, by provider and model. */
export interface PriceTable {
  /**
   * The entry of a model at a vendor, or of the model's own vendor when the table does not know the place.
   *
   * @param how guess: whether the model's name may tell whose it is, where neither is known. Absent: it may.
   */
  find(question: PriceQuestion, how?: { readonly guess: boolean }): TableEntry | undefined;
  /** Names of the models that the table has of a provider and does not call deprecated. */
  list(provider: string): readonly string[];
}

/** Questions whose answers are kept: clients choose what stands in the place of a pattern's `*`. */
const keptAnswers = 10_000;
/** Longest name that is looked up: no model's is longer. */
const maxNameLength = 200;

/**
 * The maintained table of @pydantic/genai-prices, as it came with the package (nothing is fetched).
 *
 * @param nowMs Unix milliseconds: of prices that begin at a date those of today (UTC) hold.
 */
export function createPriceTable(nowMs: () => number): PriceTable {
  const places = new Map<string, Provider | undefined>();
  // Models are matched by regular expressions, over 700 of them at some vendors: each is asked once a day.
  const answers = new LRUCache<string, { readonly entry: TableEntry | undefined }>({ max: keptAnswers });
  const entries = new Map<string, TableEntry>();
  let day = "";

  const vendorOf = (providerId: string) =>
    cached(places, providerId, () => (providerId === "" ? undefined : findProvider({ providerId })));
  const placeOf = ({ platform, baseUrl }: PriceQuestion) =>
    baseUrl === ""
      ? vendorOf(platform)
      : (cached(places, baseUrl, () => findProvider({ providerApiUrl: baseUrl })) ?? vendorOf(platform));

  const lookup = (names: readonly string[], asked: Iterable<Provider | undefined>, now: Date) => {
    for (const place of asked) {
      for (const name of names) {
        const found = findModel(name, place, now);
        if (found === undefined) continue;
        return cached(entries, found.id, () => entryOf(found.id, found.model, now));
      }
    }
    return undefined;
  };

  return {
    find(question, { guess } = { guess: true }) {
      const { upstreamModel, model, vendor } = question;
      if (upstreamModel.length > maxNameLength || model.length > maxNameLength) return undefined;
      const now = new Date(nowMs());
      const today = now.toISOString().slice(0, 10);
      if (today !== day) {
        answers.clear();
        entries.clear();
        day = today;
      }
      const names = upstreamModel === model ? [model] : [upstreamModel, model];
      // The last, undefined, lets the table guess the vendor from the model's name.
      const known = [placeOf(question), vendorOf(vendor)].filter((place) => place !== undefined);
      const asked = new Set(guess ? [placeOf(question), vendorOf(vendor), undefined] : known);
      const key = JSON.stringify([names, [...asked].map((place) => place?.id)]);
      const answer = answers.get(key);
      if (answer !== undefined) return answer.entry;
      const entry = lookup(names, asked, now);
      answers.set(key, { entry });
      return entry;
    },
    list(provider) {
      return (vendorOf(provider)?.models ?? [])
        .filter(({ deprecated }) => deprecated !== true)
        .flatMap(({ id, match }) => nameOf(id, match) ?? []);
    },
  };
}

/** The name by which a vendor takes a model of the table; undefined: its ID there is none. */
function nameOf(id: string, match: MatchLogic): string | undefined {
  const name = id.toLowerCase();
  return /^[a-z0-9][a-z0-9._/:-]*[a-z0-9]$/.test(name) && fits(match, name) ? name : undefined;
}

/** Whether a name is one of those that an entry of the table stands for. */
function fits(match: MatchLogic, name: string): boolean {
  if ("or" in match) return match.or.some((one) => fits(one, name));
  if ("and" in match) return match.and.every((one) => fits(one, name));
  if ("equals" in match) return match.equals === name;
  if ("starts_with" in match) return name.startsWith(match.starts_with);
  if ("ends_with" in match) return name.endsWith(match.ends_with);
  if ("contains" in match) return name.includes(match.contains);
  return new RegExp(match.regex).test(name);
}

function cached<V>(cache: Map<string, V>, key: string, make: () => V): V {
  const known = cache.get(key);
  if (known !== undefined || cache.has(key)) return known as V;
  const made = make();
  cache.set(key, made);
  return made;
}

/** The model of a name, at a place or, without one, wherever the table guesses it. */
function findModel(name: string, place: Provider | undefined, now: Date): { id: string; model: ModelInfo } | undefined {
  // By its ID: of a provider that it is given the package copies every model, which takes six times as long.
  const found = calcPrice({}, name, { timestamp: now, ...(place === undefined ? {} : { providerId: place.id }) });
  return found === null ? undefined : { id: `${found.provider.id}/${found.model.id}`, model: found.model };
}

function entryOf(id: string, model: ModelInfo, now: Date): TableEntry {
  return { id, ...readTablePrices(model, now), contextWindowTokens: model.context_window ?? 0 };
}
