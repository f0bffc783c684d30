import {
  bigintArray,
  byteaArray,
  type Database,
  integerArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import { type Tariff, tariffHash, tariffKey } from "../domain/tariff.ts";
import type { BillingSchema } from "./schema.ts";

/** Gives tariffs their IDs. */
export interface Tariffs {
  /** The ID of each tariff, null where there is none; stores those that are new. No statement once all are known. */
  idsOf(tariffs: readonly (Tariff | undefined)[]): Promise<(number | null)[]>;
}

const remember = statement(
  "billing_tariffs",
  `with new as (
     insert into billing.tariff (hash, module, model, dialect, group_name, channel, platform, strategy, price_source,
       input_price, cached_input_price, cache_write_price, output_price, reasoning_price, image_price, audio_second_price,
       character_price, request_price, group_ratio_ppm)
     select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::integer[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
       $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
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

/** Creates the dictionary of tariffs with a memory of those it has seen. */
export function createTariffs(db: Database<BillingSchema>): Tariffs {
  const known = new Map<string, number>();

  async function store(unknown: ReadonlyMap<string, Tariff>): Promise<void> {
    const missing = new Map([...unknown].map(([key, tariff]) => [tariffHash(key), { key, tariff }] as const));
    const byHash = new Map([...missing].map(([hash, { key }]) => [hash.toString("hex"), key]));
    const tariffs = [...missing.values()].map(({ tariff }) => tariff);
    for (let run = 1; run <= maxRuns && byHash.size > 0; run++) {
      const rows = await db.query<{ hash: Buffer; tariff_id: number }>(remember, [
        byteaArray([...missing.keys()]),
        textArray(tariffs.map((t) => t.module)),
        textArray(tariffs.map((t) => t.model)),
        textArray(tariffs.map((t) => t.dialect)),
        textArray(tariffs.map((t) => t.group)),
        textArray(tariffs.map((t) => t.channel)),
        textArray(tariffs.map((t) => t.platform)),
        textArray(tariffs.map((t) => t.strategy)),
        integerArray(tariffs.map((t) => t.priceSource)),
        bigintArray(tariffs.map((t) => t.inputNanoUsdPerMtok)),
        bigintArray(tariffs.map((t) => t.cachedInputNanoUsdPerMtok)),
        bigintArray(tariffs.map((t) => t.cacheWriteNanoUsdPerMtok)),
        bigintArray(tariffs.map((t) => t.outputNanoUsdPerMtok)),
        bigintArray(tariffs.map((t) => t.reasoningNanoUsdPerMtok)),
        bigintArray(tariffs.map((t) => t.imageNanoUsd)),
        bigintArray(tariffs.map((t) => t.audioSecondNanoUsd)),
        bigintArray(tariffs.map((t) => t.characterNanoUsdPerMchar)),
        bigintArray(tariffs.map((t) => t.requestNanoUsd)),
        bigintArray(tariffs.map((t) => BigInt(t.groupRatioPpm))),
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
      if (known.size > maxKnown) known.clear();
      const keys = tariffs.map((tariff) => (tariff === undefined ? undefined : tariffKey(tariff)));
      const unknown = new Map<string, Tariff>();
      for (const [i, key] of keys.entries()) {
        const tariff = tariffs[i];
        if (key !== undefined && tariff !== undefined && !known.has(key)) unknown.set(key, tariff);
      }
      if (unknown.size > 0) await store(unknown);
      return keys.map((key) => (key === undefined ? null : (known.get(key) ?? null)));
    },
  };
}
