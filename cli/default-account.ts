import { createHash } from "node:crypto";
import { ThroughlineError } from "../shared/errors/error.ts";
import {
  AccountState,
  type BillingService,
  type Key,
  KeyKind,
} from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { nanoUsdPerUsd } from "../shared/money/usd.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";
import { makeAdminKey, readAdminKey } from "./admin-key.ts";
import { enterFirstThings, firstThings } from "./first-events.ts";

/** Credit that the first account starts with. */
const startingCreditUsd = 1_000n;
const firstAccount = "default";
const options = { timeoutMs: 30_000 };
const administration = ["admin.read", "admin.write"];

type Billing = ServiceClient<typeof BillingService>;

/** The first account's keys: secrets only where they were just made. Who gave one has it, and an output is no place for it. */
export interface FirstKeys {
  /** Secret of the API key. */
  readonly secret: string | undefined;
  /** Secret of the administration key; undefined also where the data folder keeps it. */
  readonly adminSecret: string | undefined;
}

/** Secrets that a deployment brings along, and where it keeps its own. */
export interface GivenKeys {
  /** THROUGHLINE_BOOTSTRAP_KEY; otherwise a key is made at the first start. */
  readonly secret: string | undefined;
  /** THROUGHLINE_ADMIN_KEY; otherwise a key is made at the first start. */
  readonly adminSecret: string | undefined;
  /** Where a made administration key is kept for the command line; undefined: it is given back to be shown once. */
  readonly dataFolder: string | undefined;
}

/**
 * Makes sure that there is a first account with credit and keys, once: the account "default" with $1,000 and no limits,
 * an API key, and an administration key for the command line. The account is an operator's. What is made is in the trail of administration.
 */
export async function ensureDefaultAccount(billing: Billing, given: GivenKeys): Promise<FirstKeys> {
  const before = await firstThings(billing, firstAccount);
  const made = await makeFirst(billing, given, before.hasOperator);
  await enterFirstThings(billing, before, await firstThings(billing, firstAccount));
  return made;
}

async function makeFirst(billing: Billing, given: GivenKeys, hasOperator: boolean): Promise<FirstKeys> {
  const { account } = await billing.createAccount(
    { account: { name: firstAccount, group: "default", state: AccountState.ACTIVE } },
    options,
  );
  if (account === undefined) throw new Error("billing gave no account");
  const { accountId } = account;
  // The account of the person who starts the platform operates it; also where the account was made before there were operators. Where another account
  // is an operator's, this one is no longer meant to be.
  if (!account.operator && !hasOperator) await billing.updateAccount({ accountId, operator: true }, options);
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
  const { keys } = await billing.listKeys({ accountId, limit: 1_000 }, options);
  const first = async (name: string, kind: KeyKind, scopes: string[], secret: string | undefined) => {
    if (secret === undefined && keys.some((key) => key.kind === kind)) return undefined;
    const made = await billing.createKey({ key: { accountId, name, kind, scopes }, secret: secret ?? "" }, options);
    return secret === undefined ? made.secret : undefined;
  };
  const { dataFolder } = given;
  const keptHere = given.adminSecret === undefined && dataFolder !== undefined;
  if (keptHere) await ensureKeptKey(billing, accountId, dataFolder);
  return {
    secret: await first(given.secret === undefined ? "first" : "bootstrap", KeyKind.API, ["*"], given.secret),
    adminSecret: keptHere ? undefined : await first("administration", KeyKind.CLI, administration, given.adminSecret),
  };
}

/**
 * Everybody who may read the data folder may administer: a key that was revoked, or rotated elsewhere until the kept secret ended, or that
 * the database knows as another, is made anew.
 */
async function ensureKeptKey(billing: Billing, accountId: bigint, dataFolder: string): Promise<void> {
  const known = readAdminKey(dataFolder);
  const stored = known === undefined ? undefined : await storeKey(billing, accountId, known);
  if (known !== undefined && stored?.revokedUnixMs === 0n && !(await hasEnded(billing, known))) return;
  await storeKey(billing, accountId, makeAdminKey(dataFolder));
}

/** Whether a secret of a key that is not revoked was rotated away. */
async function hasEnded(billing: Billing, secret: string): Promise<boolean> {
  const secretSha256 = createHash("sha256").update(secret).digest();
  try {
    await billing.authenticate.call({ secretSha256 }, options);
    return false;
  } catch (error) {
    return ThroughlineError.from(error).code === "revoked_api_key";
  }
}

async function storeKey(billing: Billing, accountId: bigint, secret: string): Promise<Key | undefined> {
  try {
    const { key } = await billing.createKey(
      { key: { accountId, name: "administration", kind: KeyKind.CLI, scopes: administration }, secret },
      options,
    );
    return key;
  } catch (error) {
    if (ThroughlineError.from(error).code !== "invalid_value") throw error;
    return undefined;
  }
}
