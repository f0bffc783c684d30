import { AccountState, type BillingService, KeyKind } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { nanoUsdPerUsd } from "../shared/money.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";

/** Credit that the first account starts with. */
const startingCreditUsd = 1_000n;
const options = { timeoutMs: 30_000 };

/** The first account's key: `secret` only where it was just made or given. */
export interface FirstKey {
  readonly secret: string | undefined;
}

/**
 * Makes sure that there is a first account with credit and keys, once: the account "default" with $1,000 and no limits,
 * an API key, and an administration key for the command line.
 *
 * @param fixedSecret THROUGHLINE_BOOTSTRAP_KEY; otherwise a key is made at the first start.
 */
export async function ensureDefaultAccount(
  billing: ServiceClient<typeof BillingService>,
  fixedSecret: string | undefined,
): Promise<FirstKey> {
  const { account } = await billing.createAccount(
    { account: { name: "default", group: "default", state: AccountState.ACTIVE } },
    options,
  );
  if (account === undefined) throw new Error("billing gave no account");
  const { accountId } = account;
  await billing.addCredit(
    {
      accountId,
      amountNanoUsd: startingCreditUsd * nanoUsdPerUsd,
      actor: "bootstrap",
      reason: "starting credit",
      reference: "bootstrap",
    },
    options,
  );
  if (fixedSecret !== undefined) {
    await billing.createKey(
      { key: { accountId, name: "bootstrap", kind: KeyKind.API, scopes: ["*"] }, secret: fixedSecret },
      options,
    );
    return { secret: fixedSecret };
  }
  const { keys } = await billing.listKeys({ accountId, limit: 1_000 }, options);
  if (keys.some((key) => key.kind === KeyKind.API)) return { secret: undefined };
  const made = await billing.createKey(
    { key: { accountId, name: "first", kind: KeyKind.API, scopes: ["*"] } },
    options,
  );
  return { secret: made.secret };
}
