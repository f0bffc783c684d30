/** What one may sum by: for keys that administer, from the ledger, beside the list price. */
export const ledgerGroups = ["model", "channel", "key", "user", "tag", "account", "module"] as const;
/** For others, from the records that they see. */
export const recordGroups = ["model", "channel", "module", "status", "user", "tag"] as const;
/** A way to sum. */
export type Group = (typeof ledgerGroups)[number] | (typeof recordGroups)[number];

/** What is looked at. */
export interface Asked {
  readonly group: Group;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly step: "hour" | "day";
  /** Empty: all that the key sees. */
  readonly account: string;
  /** Name of end users and tags that are not told apart. */
  readonly others: string;
}

/** How often sums are read again. */
export const refreshMs = 30_000;

/** The time that is looked at, as the gateway takes it. */
export function spanOf({ from, to, step }: Asked) {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step };
}
