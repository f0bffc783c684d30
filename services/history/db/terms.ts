import { hash } from "node:crypto";
import { byteaArray, type Database, integerArray, jsonbArray, statement } from "../../../shared/db/index.ts";
import type { Outcome, Shape } from "../domain/terms.ts";

/** What many records share, as small numbers. A value is known by its JSON text, which equal values must have in common. */
export interface Terms {
  /** Learns the ids of values; unknown ones are added. */
  idsOf(texts: ReadonlySet<string>): Promise<void>;
  /** The id of a value that `idsOf` has seen. */
  idOf(text: string): number;
  /** Learns the values of ids. */
  valuesOf(ids: ReadonlySet<number>): Promise<void>;
  /** The shape of an id that `valuesOf` has seen; undefined if there is none. */
  shapeOf(id: number): Shape | undefined;
  /** The outcome likewise. */
  outcomeOf(id: number): Outcome | undefined;
  /** The ids of all values that have these fields. Asked anew each time: other replicas add some. */
  idsWith(fields: Partial<Shape> | Partial<Outcome>): Promise<number[]>;
}

/** A first look, so that ids are not burnt and nothing is written for what another replica has added. */
const find = statement(
  "history.terms.find",
  "select t.id, i.place from unnest($1::bytea[]) with ordinality as i(digest, place) join history.term t using (digest)",
  { idempotent: true },
);
const add = statement(
  "history.terms.add",
  `insert into history.term (digest, value) select * from unnest($1::bytea[], $2::jsonb[])
   on conflict (digest) do nothing`,
  { idempotent: true },
);
const load = statement("history.terms.load", "select id, value from history.term where id = any($1::integer[])", {
  idempotent: true,
});
const search = statement("history.terms.search", "select id from history.term where value @> $1::jsonb", {
  idempotent: true,
});

/** Terms are never changed or removed, so what was read once stays true. */
export function createTerms(db: Pick<Database<unknown>, "query">): Terms {
  const ids = new Map<string, number>();
  const values = new Map<number, unknown>();

  async function learn(texts: readonly string[], digests: readonly Buffer[]): Promise<void> {
    for (const { id, place } of await db.query<{ id: number; place: bigint }>(find, [byteaArray(digests)])) {
      const text = texts[Number(place) - 1];
      if (text === undefined) continue;
      ids.set(text, id);
      values.set(id, JSON.parse(text));
    }
  }

  return {
    async idsOf(wanted) {
      // In one order on all replicas, so that two that add the same terms do not wait for each other in a circle.
      const unknown = [...wanted].filter((text) => !ids.has(text)).sort();
      if (unknown.length === 0) return;
      await learn(unknown, unknown.map(digestOf));
      const missing = unknown.filter((text) => !ids.has(text));
      if (missing.length === 0) return;
      const digests = missing.map(digestOf);
      await db.query(add, [byteaArray(digests), jsonbArray(missing)]);
      await learn(missing, digests);
    },
    idOf(text) {
      const id = ids.get(text);
      if (id === undefined) throw new TypeError("a term was used before its id was asked for");
      return id;
    },
    async valuesOf(wanted) {
      const unknown = [...wanted].filter((id) => !values.has(id));
      if (unknown.length === 0) return;
      const rows = await db.query<{ id: number; value: unknown }>(load, [integerArray(unknown)]);
      for (const { id, value } of rows) values.set(id, value);
    },
    shapeOf: (id) => values.get(id) as Shape | undefined,
    outcomeOf: (id) => values.get(id) as Outcome | undefined,
    async idsWith(fields) {
      const rows = await db.query<{ id: number }>(search, [JSON.stringify(fields)]);
      return rows.map(({ id }) => id);
    },
  };
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer").subarray(0, 16);
}
