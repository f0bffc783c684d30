import { CompiledQuery } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { Portion } from "../domain/audit-portions.ts";
import { summedColumns } from "./audit-columns.ts";
import { countLedger, countOf } from "./audit-count.ts";
import { type Invariant, invariants, type PortionCheck, type PortionKind, portionKinds } from "./audit-invariants.ts";
import { readPortions } from "./audit-portions.ts";
import type { BillingSchema } from "./schema.ts";

/** A checked invariant. */
export interface AuditCheck {
  /** The invariant in words. */
  readonly name: string;
  /** Rows looked at. */
  readonly checked: bigint;
  /** Offending rows, one line each, at most 100. */
  readonly offending: readonly string[];
}

const maxOffending = 100;

/**
 * Entries that are looked at at a time: their sums, up to a kilobyte for each that has one of its own, stay within the memory of a
 * statement, and most statements are through in some tenths of a second.
 */
const usualSize = 50_000;
const everyColumn: ReadonlySet<string> = new Set([...summedColumns, "tags"]);

/** Checks every invariant, of a live database too. Where `db` is a transaction it looks at what that sees. */
export async function auditLedger(db: Queryable<BillingSchema>, portionSize = usualSize): Promise<AuditCheck[]> {
  const accounts = await countLedger(db);
  const read = ({ ends, times }: (typeof portionKinds)[PortionKind]) =>
    readPortions(db, accounts, ends, portionSize * times);
  const portions = {
    days: await read(portionKinds.days),
    manyDays: await read(portionKinds.manyDays),
    months: await read(portionKinds.months),
  };
  const checks: AuditCheck[] = [];
  for (const { name, counted, offending } of invariants) {
    const checked = typeof counted === "string" ? countOf(accounts, counted) : await count(db, counted.select);
    checks.push({ name, checked, offending: await linesOf(db, offending, portions) });
  }
  return checks;
}

async function linesOf(
  db: Queryable<BillingSchema>,
  offending: Invariant["offending"],
  portions: Readonly<Record<PortionKind, readonly Portion[]>>,
): Promise<string[]> {
  const found: string[] = [];
  const look = async (select: string) => {
    const { rows } = await db.kysely.executeQuery<{ line: string }>(
      CompiledQuery.raw(`select * from (${select}) o (line) limit ${maxOffending - found.length}`),
    );
    return rows.map(({ line }) => line);
  };
  for (const check of offending) {
    if (typeof check === "string") {
      found.push(...(await look(check)));
      continue;
    }
    for (const portion of portions[check.portions]) found.push(...(await linesOfPortion(look, check, portion)));
  }
  return found;
}

/**
 * What is seen at the first look is looked at once more, with all columns: by then an entry may have come with something that its account
 * never had before.
 */
async function linesOfPortion(
  look: (select: string) => Promise<string[]>,
  { select, concerns, quick }: PortionCheck,
  portion: Portion,
): Promise<string[]> {
  if (concerns?.(portion) === false) return [];
  const seen = await look(quick?.(portion) ?? select(portion));
  return seen.length === 0 ? [] : look(select({ ...portion, occurring: everyColumn }));
}

async function count(db: Queryable<BillingSchema>, select: string): Promise<bigint> {
  const { rows } = await db.kysely.executeQuery<{ count: bigint }>(CompiledQuery.raw(select));
  return rows[0]?.count ?? 0n;
}
