import { usageColumns } from "./columns.ts";

/**
 * Columns of the ledger that sums have something of where they occur: all others are zero in each sum, and are not added up. How wide
 * sums are is most of what they cost, and no account has everything: images and seconds of audio seldom go with reasoning.
 */
export const summedColumns = ["list_price", "more", ...usageColumns];

/** Sums by the column of the ledger that they are made of; undefined: of each entry. */
const counted: readonly { readonly column: string; readonly of?: string; readonly value: string }[] = [
  {
    column: "requests",
    // A late charge beside its release is one request.
    value: `case when l.kind = 2 or l.reason <> 'late' then 1
           when exists (select from billing.ledger r where r.entry_id = l.entry_id and r.kind = 2) then 0
           else 1 end`,
  },
  { column: "charged", value: "-l.amount" },
  { column: "listed", of: "list_price", value: "case when l.list_price is null then 0 else 1 end" },
  { column: "listed_charged", of: "list_price", value: "case when l.list_price is null then 0 else -l.amount end" },
  { column: "list_price", of: "list_price", value: "coalesce(l.list_price, 0)" },
  ...usageColumns.map((column) => ({ column, of: column, value: `coalesce(l.${column}, 0)` })),
];

/** Columns of the ledger that occur. */
type Occurring = ReadonlySet<string>;

const usedOf = (occurring: Occurring) => counted.filter(({ of }) => of === undefined || occurring.has(of));

/** The columns of a sum that are looked at. */
export const columnsOf = (occurring: Occurring): readonly string[] => [
  ...usedOf(occurring).map(({ column }) => column),
  ...(occurring.has("more") ? ["more"] : []),
  "estimated",
];

/** Where sums of usage stop, as the function that keeps them has it. */
const most = "9223372036854775807";

/** A sum of bigint is numeric: as bigint it is added again three times as quickly, and takes less room where millions of sums are put aside. */
export const sums = (alias: string, occurring: Occurring): string =>
  [
    ...usedOf(occurring).map(({ column }) => `least(sum(${alias}.${column}), ${most})::bigint as ${column}`),
    ...(occurring.has("more") ? [`billing.sum_more(${alias}.more) as more`] : []),
    `bool_or(${alias}.estimated) as estimated`,
  ].join(", ");

/** The condition that a sum which is kept (`kept`) is not the rightful one, or that one of them is missing. */
export function differs(rightful: string, kept: string, occurring: Occurring): string {
  const columns = columnsOf(occurring);
  const absent = counted
    .filter(({ column }) => !columns.includes(column))
    .map(({ column }) => `${kept}.${column} <> 0`);
  return [
    `(${columns.map((column) => `${rightful}.${column}`).join(", ")}) is distinct from (${columns.map((column) => `${kept}.${column}`).join(", ")})`,
    ...absent,
    ...(occurring.has("more") ? [] : [`${kept}.more is not null`]),
  ].join(" or ");
}

/** What is counted of an entry (`l`) of the ledger. */
export const entryColumns = (occurring: Occurring): string =>
  [
    ...usedOf(occurring).map(({ column, value }) => `${value} as ${column}`),
    ...(occurring.has("more") ? ["l.more"] : []),
    "l.estimated",
  ].join(", ");

/** The hour at which the month begins that an hour is in; both from 1970-01-01, UTC. Without zones, which take a microsecond each. */
export const monthOf = (hour: string): string =>
  `(date_part('epoch', date_trunc('month', timestamp '1970-01-01' + ${hour} * interval '1 hour')) / 3600)::integer`;
