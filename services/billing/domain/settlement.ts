/** How a request ended, as far as money goes. */
export type SettleCase = "succeeded" | "failed" | "broken" | "disconnected";

/** What to charge when the client leaves. */
export type DisconnectPolicy = "charge_delivered" | "drain" | "refund";

/** Kinds of ledger entries, by their numbers in the contract and the database. */
export const ledgerKinds = { charge: 1, release: 2, topup: 3, adjustment: 4 } as const;

/** Why a request was charged what it was, in the ledger's words. */
export type SettleReason =
  | "usage"
  | "failed_before_first_token"
  | "broken_delivered"
  | "disconnect_delivered"
  | "disconnect_drained"
  | "disconnect_refunded";

/** The rule for one way to end. */
export interface SettleRule {
  /** True: the usage is charged. False: nothing is, and the reservation is released. */
  readonly charges: boolean;
  readonly reason: SettleReason;
}

const byCase: Readonly<Record<Exclude<SettleCase, "disconnected">, SettleRule>> = {
  succeeded: { charges: true, reason: "usage" },
  failed: { charges: false, reason: "failed_before_first_token" },
  broken: { charges: true, reason: "broken_delivered" },
};

const byPolicy: Readonly<Record<DisconnectPolicy, SettleRule>> = {
  charge_delivered: { charges: true, reason: "disconnect_delivered" },
  drain: { charges: true, reason: "disconnect_drained" },
  refund: { charges: false, reason: "disconnect_refunded" },
};

/** The written policy: what every way to end is charged. `policy` counts only for a disconnect. */
export function settleRule(ending: SettleCase, policy: DisconnectPolicy): SettleRule {
  return ending === "disconnected" ? byPolicy[policy] : byCase[ending];
}
