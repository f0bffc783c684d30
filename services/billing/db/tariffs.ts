import {
  bigintArray,
  byteaArray,
  type Database,
  integerArray,
  jsonbArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import { type Tariff, tariffHash, tariffKey } from "../domain/tariff.ts";
import { ratesText } from "../domain/vectors.ts";
import { priceParts } from "./columns.ts";
import type { BillingSchema } from "./schema.ts";

/** Gives tariffs their IDs. */
export interface Tariffs {
  /** The ID of each tariff, null where there is none; stores those that are new. No statement once all are known. */
  idsOf(tariffs: readonly (Tariff | undefined)[]): Promise<(number | null)[]>;
}

/** Columns of the texts of a tariff, and what they hold. */
const texts = {
  module: "module",
  model: "model",
  dialect: "dialect",
  group_name: "group",
  channel: "channel",
  platform: "platform",
  strategy: "strategy",
} as const satisfies Readonly<Record<string, keyof Tariff>>;

const columns: readonly (readonly [name: string, type: string])[] = [
  ["hash", "bytea"],
  ...Object.keys(texts).map((name) => [name, "text"] as const),
  ["price_source", "integer"],
  ...priceParts.map(({ column }) => [column, "bigint"] as const),
  ["group_ratio_ppm", "bigint"],
  ["rates", "jsonb"],
  ["list_hash", "bytea"],
];

const remember = statement(
  "billing_tariffs",
  `with new as (
     insert into billing.tariff (${columns.map(([name]) => name).join(", ")})
     select * from unnest(${columns.map(([, type], i) => `$${i + 1}::${type}[]`).join(", ")})
     order by 1
     on conflict (hash) do nothing
     returning hash, tariff_id
   )
   select hash, tariff_id from new
   union all
   select hash, tariff_id from billing.tariff where hash = any ($1::bytea[])`,
  { idempotent: true },
);

/** The rows that a concurrent transaction has stored are not in this statement's snapshot: then a second run sees them. */
const maxRuns = 3;
/** Above this many the memory is emptied: configurations have hundreds at most, price changes add some. */
const maxKnown = 20_000;

/** What the tariff with its list prices is known by. */
function listHash(own: Buffer, { list }: Tariff): Buffer | null {
  if (list === undefined) return null;
  return list === "own" ? own : tariffHash(tariffKey(list));
}

/** Creates the dictionary of tariffs with a memory of those it has seen. */
export function createTariffs(db: Database<BillingSchema>): Tariffs {
  const known = new Map<string, number>();
  /** The same by the tariffs themselves: those of frozen prices come again as the same objects. */
  const met = new WeakMap<Tariff, number>();

  async function store(unknown: ReadonlyMap<string, Tariff>): Promise<void> {
    const missing = new Map([...unknown].map(([key, tariff]) => [tariffHash(key), { key, tariff }] as const));
    const byHash = new Map([...missing].map(([hash, { key }]) => [hash.toString("hex"), key]));
    const tariffs = [...missing.values()].map(({ tariff }) => tariff);
    for (let run = 1; run <= maxRuns && byHash.size > 0; run++) {
      const rows = await db.query<{ hash: Buffer; tariff_id: number }>(remember, [
        byteaArray([...missing.keys()]),
        ...Object.values(texts).map((text) => textArray(tariffs.map((tariff) => tariff[text]))),
        integerArray(tariffs.map((tariff) => tariff.priceSource)),
        ...priceParts.map(({ part }) => bigintArray(tariffs.map((tariff) => tariff[part]))),
        bigintArray(tariffs.map((tariff) => BigInt(tariff.groupRatioPpm))),
        jsonbArray(tariffs.map((tariff) => ratesText(tariff.rates))),
        byteaArray([...missing].map(([hash, { tariff }]) => listHash(hash, tariff))),
      ]);
      for (const { hash, tariff_id } of rows) {
        const key = byHash.get(hash.toString("hex"));
        if (key === undefined) continue;
        byHash.delete(hash.toString("hex"));
        known.set(key, tariff_id);
      }
    }
    if (byHash.size > 0) throw new Error("A tariff could be neither stored nor read");
  }

  return {
    async idsOf(tariffs) {
      const ids = tariffs.map((tariff) => (tariff === undefined ? null : met.get(tariff)));
      if (areAllMet(ids)) return ids;
      if (known.size > maxKnown) known.clear();
      const keys = tariffs.map((tariff) => (tariff === undefined ? undefined : tariffKey(tariff)));
      const unknown = new Map<string, Tariff>();
      for (const [i, key] of keys.entries()) {
        const tariff = tariffs[i];
        if (key === undefined || tariff === undefined || known.has(key)) continue;
        unknown.set(key, tariff);
        if (typeof tariff.list === "object") unknown.set(tariffKey(tariff.list), tariff.list);
      }
      if (unknown.size > 0) await store(unknown);
      return keys.map((key, i) => {
        const id = key === undefined ? undefined : known.get(key);
        const tariff = tariffs[i];
        if (id === undefined || tariff === undefined) return null;
        met.set(tariff, id);
        return id;
      });
    },
  };
}

function areAllMet(ids: readonly (number | null | undefined)[]): ids is (number | null)[] {
  return !ids.includes(undefined);
}
