import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { partUnits, type UnitEntry, unitEntry, units } from "../../../shared/units.ts";
import type { Portion } from "../domain/audit-portions.ts";
import { entriesOf } from "./audit-portions.ts";
import { priceColumn } from "./columns.ts";

/*
 * What a usage costs, in SQL: what costNanoUsd of shared/money.ts says, told another way, so that the one shows the other's
 * mistakes. Amounts times prices are summed exactly, multiplied with the group's ratio and rounded up once.
 */

const million = 1_000_000n;
const billion = 1_000_000_000n;
const columnOf = ({ price }: UnitEntry): string | undefined => (price === undefined ? undefined : priceColumn[price]);

/** The charge for a sum of so many parts of a nano-USD. By `div`: a quotient of PostgreSQL's "/" has 16 digits and is rounded. */
const rounded = (sum: string, parts: bigint, ratio: string): string =>
  `div((${sum}) * ${ratio} + ${parts * million - 1n}, ${parts * million})`;

/** Which amount of an entry (`l`) is the cost of its usage at the prices of which tariff (`t`). */
interface Costs {
  readonly amount: string;
  readonly tariff: string;
  readonly which: string;
  /** Parts per million of these prices. */
  readonly ratio: string;
  /** What the vendor says that it cost counts in the place of everything. Else: where the tariff has a price of that. */
  readonly byVendor: boolean;
}

const charges: Costs = {
  amount: "-l.amount",
  tariff: "left join billing.tariff t on t.tariff_id = l.tariff_id",
  which: "l.kind = 1",
  ratio: "t.group_ratio_ppm",
  byVendor: false,
};

const listPrices: Costs = {
  amount: "l.list_price",
  tariff: "join billing.tariff o on o.tariff_id = l.tariff_id join billing.tariff t on t.hash = o.list_hash",
  which: "(l.kind = 1 or l.list_price is not null)",
  // A tariff that is its own list has the group's ratio; any other list has the part that the way of calling costs by it.
  ratio: "case when t.tariff_id = o.tariff_id then 1000000 else t.group_ratio_ppm end",
  byVendor: true,
};

/** Sums what parts of the usage cost. Most entries have none of most parts: those are not multiplied. */
function sumOfParts(price: (entry: UnitEntry) => string): string {
  const parts = partUnits.map(
    (entry) => `case when coalesce(l.${entry.name}, 0) = 0 then 0 else l.${entry.name}::numeric * ${price(entry)} end`,
  );
  return [...parts, price(unitEntry(Unit.REQUESTS))].join("\n    + ");
}

/** In millionths of a nano-USD: no price that a tariff spells out is for more than a million of its unit. */
const plainPrice = (entry: UnitEntry): string =>
  entry.divisor === million ? `t.${columnOf(entry)}` : `t.${columnOf(entry)}::numeric * ${million / entry.divisor}`;

const isPlain = "(l.more is null and t.rates is null)";

/** The cost of every charge without further units at a tariff without rates. A charge without a tariff has the cost NULL. */
const plainCosts = ({ amount, tariff, which, ratio }: Costs, portion: Portion): string => `
  select l.entry_id, ${amount} as charged, ${rounded(sumOfParts(plainPrice), million, ratio)} as cost
  from billing.ledger l ${tariff}
  where ${which} and (t.tariff_id is null or ${isPlain}) and ${entriesOf(portion)}`;

/** The units whose price a unit has: first its own, then its parent's, up to one whose price every tariff spells out. */
function lineage(entry: UnitEntry): UnitEntry[] {
  if (entry.price !== undefined || entry.parent === undefined) return [entry];
  return [entry, ...lineage(unitEntry(entry.parent))];
}

/** Each unit with each of its lineage, and with the price that the tariff spells out for that one. */
const lineages = units
  .flatMap((entry) => lineage(entry).map((of, step) => ({ entry, of, step, column: columnOf(of) })))
  .map(({ entry, of, step, column }) => {
    const spelledOut = column === undefined ? "null::bigint" : `t.${column}`;
    return `('${entry.name}', ${billion / entry.divisor}, ${step}, '${of.name}', ${spelledOut})`;
  })
  .join(", ");

const inputColumns = partUnits.filter(({ isInput }) => isInput).map(({ name }) => name);
const inputUnits = units.filter(({ isInput, part }) => isInput && part === undefined).map(({ name }) => `'${name}'`);
const inputTokens = `${inputColumns.map((column) => `coalesce(l.${column}, 0)::numeric`).join(" + ")}
  + case when l.more is null then 0 else (
      select coalesce(sum(m.value::numeric), 0) from jsonb_each(l.more) m where m.key in (${inputUnits.join(", ")})) end`;

/** What a part costs each, of a row of `price`: as a column, for JSON is taken apart anew for each entry. */
const priceOf = ({ name }: UnitEntry): string => `t.${name}_price`;
const spelledOut = [...partUnits, unitEntry(Unit.REQUESTS)].map(
  ({ name }) => `(u.prices ->> '${name}')::numeric as ${name}_price`,
);

const vendor = unitEntry(Unit.VENDOR_NANO_USD).name;
const requestPrice = priceOf(unitEntry(Unit.REQUESTS));
const sumOfMore = (which: string): string => `(select coalesce(sum(m.value::numeric * (t.prices ->> m.key)::numeric), 0)
      from jsonb_each(l.more) m where ${which})`;

/**
 * The cost of every charge with further units, or at a tariff with rates. An entry's prices depend on its tariff, its traits and the
 * longest of the inputs that conditions name and its own exceeds. There are few such combinations, so the prices of each
 * are made once, and the time grows with the entries as that of plain ones does.
 */
const vectorCosts = ({ amount, tariff, which, ratio, byVendor }: Costs, portion: Portion): string => `
  with tiers as materialized (
    select t.tariff_id, array_agg(distinct (r ->> 'above')::numeric) as above
    from billing.tariff t cross join jsonb_array_elements(t.rates) r where r ? 'above' group by t.tariff_id
  ), entry as materialized (
    select l.entry_id, ${amount} as charged, t.tariff_id,
      ${byVendor ? `case when l.more ? '${vendor}' then 1000000 else ${ratio} end` : ratio} as ratio, ${partUnits.map(({ name }) => `l.${name}`).join(", ")}, l.more,
      coalesce(l.traits, '{}') as facts, case when k.above is null then 0 else
      coalesce((select max(above) from unnest(k.above) above where above < ${inputTokens}), 0) end as reached
    from billing.ledger l ${tariff}
    left join tiers k on k.tariff_id = t.tariff_id
    where ${which} and t.tariff_id is not null and not ${isPlain} and ${entriesOf(portion)}
  ), price as materialized (
    select s.tariff_id, s.reached, s.facts, u.prices, ${spelledOut.join(", ")},
      coalesce(t.rates @> '[{"unit": "${vendor}"}]', false) as by_vendor
    from (select distinct tariff_id, reached, facts from entry) s
    join billing.tariff t on t.tariff_id = s.tariff_id
    cross join lateral (
      select jsonb_object_agg(c.unit, c.price) as prices from (
        select distinct on (f.unit) f.unit, coalesce(b.nano_usd, f.spelled_out) * f.weight as price
        from (values ${lineages}) f (unit, weight, step, of, spelled_out)
        left join lateral (
          select (r ->> 'nano_usd')::numeric as nano_usd
          from jsonb_array_elements(t.rates) r
          cross join lateral (select coalesce((r ->> 'above')::numeric, 0) as above, coalesce(r -> 'when', '{}') as when) w
          where r ->> 'unit' = f.of and w.above <= s.reached and s.facts @> w.when
          order by (select count(*) from jsonb_object_keys(w.when)) + case when w.above > 0 then 1 else 0 end desc,
            w.above desc, nano_usd desc limit 1
        ) b on true
        where coalesce(b.nano_usd, f.spelled_out) is not null
        order by f.unit, f.step
      ) c
    ) u
  )
  select l.entry_id, l.charged, ${rounded(
    `case
    when l.more is null then ${sumOfParts(priceOf)}
    ${byVendor ? `when l.more ? '${vendor}' then (l.more ->> '${vendor}')::numeric * ${billion}` : ""}
    when t.by_vendor and l.more ? '${vendor}' then ${sumOfMore(`m.key = '${vendor}'`)} + ${requestPrice}
    else ${sumOfParts(priceOf)} + ${sumOfMore("true")} end`,
    billion,
    "l.ratio",
  )} as cost
  from entry l join price t on t.tariff_id = l.tariff_id and t.reached = l.reached and t.facts = l.facts`;

/** A statement about a portion of the ledger. */
type OfPortion = (portion: Portion) => string;

const costsOf = (costs: Costs): readonly OfPortion[] =>
  [plainCosts, vectorCosts].map((select) => (portion) => select(costs, portion));

/** Statements that together select each charge once: its request (`entry_id`), what was charged, and the cost of its usage. */
export const chargeCosts: readonly OfPortion[] = costsOf(charges);

/** As `chargeCosts`, of the list price of each entry whose tariff has a list. */
export const listCosts: readonly OfPortion[] = costsOf(listPrices);

/** Statements that select a line for each charge that is not the cost of its usage. */
export const wrongCharges: readonly OfPortion[] = chargeCosts.map(
  (costs) => (portion) =>
    `select format('request %s: charged %s, usage costs %s', entry_id, charged, coalesce(cost::text, 'unknown'))
    from (${costs(portion)}) c where charged is distinct from cost`,
);

/** Statements that select a line for each list price that is not the cost of the entry's usage by the vendor's list. */
export const wrongListPrices: readonly OfPortion[] = listCosts.map(
  (costs) => (portion) =>
    `select format('request %s: list price %s, usage costs %s by the list', entry_id, coalesce(charged::text, 'none'), cost)
      from (${costs(portion)}) c where charged is distinct from cost`,
);

/** Selects a line for each list price where no list of the platform's is known and the vendor itself has not said it. */
export const unknownListPrices: OfPortion = (portion) => `
    select format('request %s: list price %s, and no list is known', l.entry_id, l.list_price)
    from billing.ledger l left join billing.tariff t on t.tariff_id = l.tariff_id
    where l.list_price is not null and t.list_hash is null
      and l.list_price is distinct from (l.more ->> '${vendor}')::numeric and ${entriesOf(portion)}`;
