import type { RouterOutputs } from "@throughline/client";

/** What the gateway says of the key. */
export type Me = RouterOutputs["me"]["get"];

/** What a key may do, by which the console shows screens and buttons. The gateway decides again at each call. */
export interface Rights {
  /** Records: everybody's, its account's or its own. */
  readonly readRecords: boolean;
  /** Keys, accounts and the ledger of what it reaches. */
  readonly readAdministration: boolean;
  readonly changeAdministration: boolean;
  /** The whole platform: channels, credit, the trail. */
  readonly readPlatform: boolean;
  readonly changePlatform: boolean;
}

/** The rights of a key. */
export function rightsOf({ key, operator }: Pick<Me, "key" | "operator">): Rights {
  const has = (scope: string) => key.scopes.includes(scope) || key.scopes.includes("*");
  const administers = key.kind === "cli";
  const read = administers && has("admin.read");
  const change = administers && has("admin.write");
  return {
    readRecords: administers ? read : has("history.read"),
    readAdministration: read,
    changeAdministration: change,
    readPlatform: read && operator,
    changePlatform: change && operator,
  };
}
