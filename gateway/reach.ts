import { ThroughlineError } from "../shared/errors/error.ts";
import type { Principal } from "../shared/gen/throughline/billing/v1/billing_pb.ts";

/** An ID that no account has: who asks for what is not its own is answered as if there were no such account. */
export const nobody = 9_223_372_036_854_775_807n;

/**
 * The account whose things an administration key is given when it asks for those of `asked`.
 *
 * @param asked 0n: of all accounts.
 * @returns 0n: all accounts, for operators only. A tenant's key has its own account, and `nobody` in place of any other:
 * the answer is then that for an account that does not exist, made by the same code.
 */
export function reachedAccount({ operator, accountId }: Principal, asked = 0n): bigint {
  if (operator) return asked;
  return asked === 0n || asked === accountId ? accountId : nobody;
}

/** Refuses what only operators may do: permission_denied. */
export function operatorsOnly({ operator }: Principal): void {
  if (operator) return;
  throw new ThroughlineError(
    "permission_denied",
    "This administration key reaches its own account alone; what concerns the platform needs the key of an operator's account.",
  );
}

/** Refuses the choice of a group, which decides channels and prices, to all but operators: permission_denied. @param chosen whether one was. */
export function groupIsOperators(principal: Principal, chosen: boolean): void {
  if (principal.operator || !chosen) return;
  throw new ThroughlineError(
    "permission_denied",
    "A group decides prices and channels, so only the key of an operator's account may choose one; leave it out.",
    { param: "group" },
  );
}
