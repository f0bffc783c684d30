import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Owner } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Scope } from "../domain/owner.ts";
import { storedUserId } from "../domain/repair.ts";

/** Whose records the caller names. Throws invalid_value when it names nobody. */
export function scopeOf(owner: Owner | undefined): Scope {
  if (owner === undefined) throw new ThroughlineError("invalid_value", "The owner is missing.", { param: "owner" });
  const { accountId, keyId } = owner;
  if (accountId === 0n) {
    if (owner.operator && keyId === 0n && owner.userId === "") return { kind: "operator" };
    throw new ThroughlineError("invalid_value", "The owner names no account.", { param: "owner.account_id" });
  }
  if (owner.userId !== "") return { kind: "user", accountId, userId: storedUserId(owner.userId), keyId };
  return keyId === 0n ? { kind: "account", accountId } : { kind: "key", accountId, keyId };
}
