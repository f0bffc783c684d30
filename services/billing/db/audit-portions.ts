import { CompiledQuery } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { type AccountSize, type Portion, portionsOf, type Stretch } from "../domain/audit-portions.ts";
import { monthOf } from "./audit-columns.ts";
import type { BillingSchema } from "./schema.ts";

/** Where portions may end: at days, or at months, the sums of which are made of those of days. */
export type PortionUnit = "day" | "month";

const starts: Readonly<Record<PortionUnit, string>> = { day: "s.starts", month: monthOf("s.starts") };

/** All portions whose ends are such. */
export async function readPortions(
  db: Queryable<BillingSchema>,
  accounts: readonly AccountSize[],
  unit: PortionUnit,
  size: number,
): Promise<readonly Portion[]> {
  const { rows } = await db.kysely.executeQuery<{ account_id: bigint; hour: number; entries: bigint }>(
    CompiledQuery.raw(
      `select s.account_id, ${starts[unit]} as hour, least(sum(s.requests), 9007199254740991)::bigint as entries
       from billing.usage_sum s where s.account_id = any($1::bigint[]) and s.detail = 0 and s.span = 2 group by 1, 2 order by 1, 2`,
      [accounts.filter(({ entries }) => entries > size).map(({ accountId }) => accountId)],
    ),
  );
  const stretches = rows.map(
    (row): Stretch => ({ accountId: row.account_id, fromHour: row.hour, entries: Number(row.entries) }),
  );
  return portionsOf(accounts, stretches, size);
}

const momentOf = (hour: number): string => `to_timestamp(${hour} * 3600.0)`;

/** The condition that an entry (`l`) is of a portion. */
export const entriesOf = (portion: Portion): string =>
  conditionOf("l", portion, ({ fromHour, toHour }) => [
    ...(fromHour === undefined ? [] : [`l.created_at >= ${momentOf(fromHour)}`]),
    ...(toHour === undefined ? [] : [`l.created_at < ${momentOf(toHour)}`]),
  ]);

/** The condition that a sum is of a portion. */
export const sumsOf = (alias: string, portion: Portion): string =>
  conditionOf(alias, portion, ({ fromHour, toHour }) => [
    ...(fromHour === undefined ? [] : [`${alias}.starts >= ${fromHour}`]),
    ...(toHour === undefined ? [] : [`${alias}.starts < ${toHour}`]),
  ]);

function conditionOf(alias: string, portion: Portion, hours: (portion: Portion) => readonly string[]): string {
  return [accountsOf(alias, portion), ...hours(portion)].join(" and ");
}

/** The condition that a row is of the accounts of a portion. */
export function accountsOf(alias: string, { fromAccount: from, toAccount: to }: Portion): string {
  if (from !== undefined && to === from + 1n) return `${alias}.account_id = ${from}`;
  return [
    "true",
    ...(from === undefined ? [] : [`${alias}.account_id >= ${from}`]),
    ...(to === undefined ? [] : [`${alias}.account_id < ${to}`]),
  ].join(" and ");
}
