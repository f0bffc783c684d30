import { type RawBuilder, sql } from "kysely";
import { labelKinds, noLabel, otherLabels } from "../domain/labels.ts";
import type { Span } from "../domain/usage-cover.ts";

/** What usage is summed by. */
export type UsageBy = "day" | "key" | "model" | "group" | "module" | "account" | "channel" | "user" | "tag";

/** Where the sums for a question are, and what they are called. `c` is a row of sums or of the ledger. */
export interface Grouping {
  /** The table that the sums are in, the one that says how far they go, and the row of `job` that does so for all accounts. */
  readonly table: RawBuilder<unknown>;
  readonly marks: RawBuilder<unknown>;
  readonly job: string;
  /** What picks its rows. */
  readonly which: RawBuilder<unknown>;
  /** Longest spans first. */
  readonly spans: readonly Span[];
  /** Whether there are sums over all accounts. */
  readonly together: boolean;
  /** Whether each `id` has a name of its own, whatever the account: then sums by it are those by name. */
  readonly distinct: boolean;
  /** Whether names beyond a number of them are summed together, which depends on the span. */
  readonly bounded: boolean;
  readonly idType: "bigint" | "text";
  /** The `id` of an entry (`e`), and what an entry is joined with for it. */
  readonly id: RawBuilder<unknown>;
  readonly join: RawBuilder<unknown>;
  readonly name: RawBuilder<unknown>;
  /** What people call it. */
  readonly title: RawBuilder<unknown>;
  /** Whether it is the sum of what is not told apart. */
  readonly other: RawBuilder<unknown>;
}

const none = sql``;
const untitled = sql`''`;
const ofTariff = (column: string) =>
  sql`coalesce((select t.${sql.raw(column)} from billing.tariff t where t.tariff_id = c.id), '')`;
const ofAccount = (column: string) =>
  sql`(select a.${sql.raw(column)} from billing.account a where a.account_id = c.account_id)`;

const sums = (detail: number, id: RawBuilder<unknown>) => ({
  table: sql`billing.usage_sum`,
  marks: sql`billing.usage_fold`,
  job: "usage",
  idType: "bigint" as const,
  which: sql`c.detail = ${detail}::smallint`,
  id,
  join: none,
  title: untitled,
  other: sql`false`,
  distinct: false,
  bounded: false,
});
const byKey = { ...sums(1, sql`coalesce(e.key_id, 0)`), distinct: true };
const byTariff = { ...sums(2, sql`coalesce(e.tariff_id, 0)::bigint`), spans: ["month", "day", "hour"] } as const;

const labels = (kind: keyof typeof labelKinds, label: RawBuilder<unknown>, join: RawBuilder<unknown>): Grouping => ({
  table: sql`billing.label_sum`,
  marks: sql`billing.label_fold`,
  job: "labels",
  idType: "text",
  which: sql`c.kind = ${labelKinds[kind]}::smallint`,
  spans: ["month", "day", "hour"],
  together: false,
  id: sql`case when coalesce(${label}, '') = '' then ${noLabel} else '=' || ${label} end`,
  join,
  name: sql`case when c.id in (${noLabel}, ${otherLabels}) then '' else substr(c.id, 2) end`,
  title: untitled,
  other: sql`c.id = ${otherLabels}`,
  distinct: true,
  bounded: true,
});

export const groupings: Readonly<Record<UsageBy, Grouping>> = {
  day: {
    ...sums(0, sql`0::bigint`),
    spans: ["day", "hour"],
    together: true,
    name: sql`to_char(to_timestamp(c.starts * 3600.0) at time zone 'UTC', 'YYYY-MM-DD')`,
  },
  key: {
    ...byKey,
    spans: ["month", "day"],
    together: false,
    name: sql`c.id::text`,
    title: sql`coalesce((select k.name from billing.key k where k.key_id = c.id), '')`,
  },
  model: { ...byTariff, together: true, name: ofTariff("model") },
  module: { ...byTariff, together: true, name: ofTariff("module") },
  channel: { ...byTariff, together: true, name: ofTariff("channel") },
  group: {
    ...byTariff,
    together: false,
    name: sql`coalesce((select nullif(t.group_name, '') from billing.tariff t where t.tariff_id = c.id),
      ${ofAccount("group_name")}, '')`,
  },
  account: {
    ...byTariff,
    together: false,
    name: sql`c.account_id::text`,
    title: sql`coalesce(${ofAccount("name")}, '')`,
  },
  user: labels("user", sql`coalesce(e.end_user, e.user_id)`, none),
  tag: labels("tag", sql`g.tag`, sql`left join lateral jsonb_array_elements_text(e.tags) g (tag) on true`),
};
