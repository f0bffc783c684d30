import pg from "pg";

type Parser = (text: string) => unknown;

const { builtins } = pg.types;
const int8Array = 1016;
const numericArray = 1231;

/**
 * How columns arrive, for the connections that are given it and no others (a process-wide parser would reach every
 * user of `pg` in the process): BIGINT as bigint, NUMERIC as string, BYTEA as Buffer, TIMESTAMPTZ as Date, JSON parsed.
 * DATE and TIMESTAMP without a zone arrive as text: as a Date they would shift with the zone of the machine.
 */
export const columnTypes = {
  getTypeParser(oid: number, format?: "text" | "binary"): Parser {
    const parser = format === "binary" ? undefined : parsers.get(oid);
    return parser ?? (pg.types.getTypeParser(oid, format) as Parser);
  },
} as typeof pg.types;

const asText: Parser = (text) => text;

const parsers: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [builtins.INT8, BigInt],
  [builtins.NUMERIC, asText],
  [builtins.DATE, asText],
  [builtins.TIMESTAMP, asText],
  [int8Array, (text) => parseFlatArray(text, BigInt)],
  [numericArray, (text) => parseFlatArray(text, asText)],
]);

/** Parses a one-dimensional array whose elements need no quotes: numbers are never quoted by PostgreSQL. */
function parseFlatArray(text: string, parse: Parser): unknown[] {
  const body = text.slice(1, -1);
  if (body === "") return [];
  return body.split(",").map((element) => (element === "NULL" ? null : parse(element)));
}
