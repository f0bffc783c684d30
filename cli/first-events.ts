import { accountOut, keyOut } from "../gateway/view/payer.ts";
import { ThroughlineError } from "../shared/errors/error.ts";
import type { Account, BillingService, Key } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";

type Billing = ServiceClient<typeof BillingService>;

/** The first account and its keys; no account: there is none yet. */
interface First {
  readonly account: Account | undefined;
  readonly keys: readonly Key[];
  /** Whether any account is an operator's. */
  readonly hasOperator: boolean;
}

const options = { timeoutMs: 30_000 };
/** Who did it, in the trail: no key has asked. */
const actor = "init";

/** What there is of the first account. */
export async function firstThings(billing: Billing, name: string): Promise<First> {
  const { accounts } = await billing.listAccounts({ limit: 1_000 }, options);
  const account = accounts.find((one) => one.name === name);
  const hasOperator = accounts.some(({ operator }) => operator);
  if (account === undefined) return { account, keys: [], hasOperator };
  const { keys } = await billing.listKeys({ accountId: account.accountId, limit: 1_000 }, options);
  return { account, keys, hasOperator };
}

/** Enters into the trail of administration what was made of the first account since `before`; nothing where nothing was. */
export async function enterFirstThings(billing: Billing, before: First, after: First): Promise<void> {
  const { account } = after;
  if (account === undefined) return;
  const known = new Set(before.keys.map(({ keyId }) => keyId));
  const shown = accountOut(account);
  const was = before.account === undefined ? undefined : accountOut(before.account);
  if (was === undefined) {
    await enter(billing, { procedure: "accounts.create", target: shown.account_id, after: shown });
    const credit = { balance_usd: shown.balance_usd };
    await enter(billing, { procedure: "credits.add", target: shown.account_id, after: credit });
  } else if (was.operator !== shown.operator) {
    await enter(billing, { procedure: "accounts.update", target: shown.account_id, before: was, after: shown });
  }
  for (const key of after.keys) {
    if (known.has(key.keyId)) continue;
    await enter(billing, { procedure: "keys.create", target: key.keyId.toString(), after: keyOut(key) });
  }
}

interface Made {
  readonly procedure: string;
  readonly target: string;
  readonly before?: object;
  readonly after: object;
}

async function enter(billing: Billing, { procedure, target, before, after }: Made): Promise<void> {
  const event = {
    ...{ procedure, target, actor, outcome: "done" },
    beforeJson: before === undefined ? "" : JSON.stringify(before),
    afterJson: JSON.stringify(after),
  };
  try {
    await billing.recordAdministration({ event }, options);
  } catch (error) {
    // A billing of before this version takes no event without a key; what was made is made.
    if (ThroughlineError.from(error).code !== "invalid_value") throw error;
  }
}
