import type { Span } from "../domain/usage-cover.ts";
import type { NameRank } from "../domain/usage-page.ts";
import type { UsageColumn } from "./columns.ts";
import type { UsageBy } from "./usage-groupings.ts";

/** What is asked for. */
export interface UsageQuery {
  /** 0n: all accounts. */
  readonly accountId: bigint;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly by: UsageBy;
  /** A sum for each of these stretches of time; undefined: for the whole span. */
  readonly step?: Span | undefined;
}

/** Part of the names that there are sums of: those with the largest charge over the whole span first. */
export interface UsagePage {
  /** Names; at least 1. */
  readonly limit: number;
  /** Sums that it may have where it has more than one name. */
  readonly mostSums: number;
  /** After this one; undefined: from the first. */
  readonly after: NameRank | undefined;
}

/** A sum. Counts come as bigint. */
export interface UsageSumRow extends Record<UsageColumn, bigint> {
  name: string;
  /** What people call it; empty: the name says it. */
  title: string;
  /** True: it sums what is not told apart. */
  other: boolean;
  /** The hour from 1970-01-01, UTC, at which its stretch of time begins; 0: it is the whole span. */
  starts: number;
  requests: bigint;
  charged: bigint;
  /** Requests whose list price is known, what was charged for them, and what they cost by the list. */
  listed: bigint;
  listed_charged: bigint;
  list_price: bigint;
  /** Further units, amounts as digits; null: none. */
  more: Readonly<Record<string, string>> | null;
  estimated: boolean;
}

/** Sums, and what comes after them where a page was asked for. */
export interface UsageSums {
  /** By name and time, the largest name first. */
  readonly rows: readonly UsageSumRow[];
  /** Undefined: there is nothing after them. */
  readonly rest:
    | { readonly last: NameRank; readonly names: bigint; readonly requests: bigint; readonly charged: bigint }
    | undefined;
}
