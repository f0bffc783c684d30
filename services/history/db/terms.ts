import { type Database, integerArray, statement, textArray } from "../../../shared/db/index.ts";

/** Text that many records share, as small numbers. */
export interface Terms {
  /** The ids of texts; unknown ones are added. The empty text is 0. */
  idsOf(texts: ReadonlySet<string>): Promise<void>;
  /** The id of a text that `idsOf` has seen. */
  idOf(text: string): number;
  /** The id of a text if there is one: for filters, which must not add any. */
  findId(text: string): Promise<number | undefined>;
  /** Learns the texts of ids. */
  textsOf(ids: ReadonlySet<number>): Promise<void>;
  /** The text of an id that `textsOf` has seen. */
  textOf(id: number): string;
}

interface TermRow {
  id: number;
  value: string;
}

/** A first look, so that ids are not burnt and nothing is written for terms that another replica has added. */
const find = statement("history.terms.find", "select id, value from history.term where value = any($1::text[])", {
  idempotent: true,
});
const add = statement(
  "history.terms.add",
  "insert into history.term (value) select unnest($1::text[]) on conflict do nothing",
  { idempotent: true },
);
const load = statement("history.terms.load", "select id, value from history.term where id = any($1::integer[])", {
  idempotent: true,
});

/** Terms are never changed or removed, so what was read once stays true. */
export function createTerms(db: Pick<Database<unknown>, "query">): Terms {
  const ids = new Map<string, number>([["", 0]]);
  const texts = new Map<number, string>([[0, ""]]);

  function learn(rows: readonly TermRow[]): void {
    for (const { id, value } of rows) {
      ids.set(value, id);
      texts.set(id, value);
    }
  }

  return {
    async idsOf(wanted) {
      const unknown = [...wanted].filter((text) => !ids.has(text)).sort();
      if (unknown.length === 0) return;
      learn(await db.query<TermRow>(find, [textArray(unknown)]));
      const missing = unknown.filter((text) => !ids.has(text));
      if (missing.length === 0) return;
      await db.query(add, [textArray(missing)]);
      learn(await db.query<TermRow>(find, [textArray(missing)]));
    },
    idOf(text) {
      const id = ids.get(text);
      if (id === undefined) throw new TypeError("a term was used before its id was asked for");
      return id;
    },
    async findId(text) {
      if (!ids.has(text)) learn(await db.query<TermRow>(find, [textArray([text])]));
      return ids.get(text);
    },
    async textsOf(wanted) {
      const unknown = [...wanted].filter((id) => !texts.has(id));
      if (unknown.length > 0) learn(await db.query<TermRow>(load, [integerArray(unknown)]));
    },
    textOf(id) {
      return texts.get(id) ?? "";
    },
  };
}
