import { readFile } from "node:fs/promises";
import type { Queryable } from "../../../shared/db/index.ts";
import { formatUsd } from "../../../shared/money/usd.ts";
import type { BillingContext } from "../context.ts";
import { type AccountFields, findAccountByName, insertAccount, updateAccount } from "../db/accounts.ts";
import { insertEvent } from "../db/administration.ts";
import { enterCredit } from "../db/credit.ts";
import { alignSecrets, findKeysByName, findOwners, lockDeclarations } from "../db/declared-keys.ts";
import { insertKey, type KeyFields, lockKey, revokeKey, setPrefix, updateKey } from "../db/keys.ts";
import type { BillingSchema } from "../db/schema.ts";
import {
  DeclarationError,
  type DeclaredAccount,
  type DeclaredKey,
  kindNumber,
  readDeclaredAccounts,
} from "../domain/declared-accounts.ts";
import { storedHash } from "../domain/secret.ts";
import { ledgerKinds } from "../domain/settlement.ts";
import { every, type Job } from "./every.ts";

/** Columns of what is declared, checked as the contract checks them. */
interface Rows {
  account(declared: { readonly name: string; readonly group: string }): AccountFields;
  key(declared: { readonly name: string; readonly scopes: readonly string[] }): KeyFields;
  digest(fields: object): Buffer;
}

type Context = Pick<BillingContext, "config" | "db" | "log" | "rateLimits"> & { readonly rows: Rows };

/** A file of accounts and keys that is followed. */
export interface DeclaredAccounts extends Job {
  /** Whether the file as it is now could not be followed. */
  rejected(): boolean;
}

/**
 * Keeps accounts and keys as the file of ACCOUNTS_FILE says: makes what is missing, and changes what differs. What is not in
 * the file is left alone. Resolves after the first look, so that the first keys work when billing does. A file that is wrong
 * changes nothing and is told in the log; replicas take turns.
 */
export async function followDeclaredAccounts(context: Context, file: string): Promise<DeclaredAccounts> {
  const { config, log } = context;
  let applied: string | undefined;
  let told = "";
  const look = async (): Promise<false> => {
    try {
      const text = await readFile(file, "utf8");
      if (text === applied) return false;
      for (const account of readDeclaredAccounts(text)) await applyAccount(context, account);
      applied = text;
      told = "";
    } catch (error) {
      const why = wrongWith(error);
      // A fault of the database is tried again by the next look.
      if (why === undefined) throw error;
      if (why !== told) log.warn({ file, why }, "ACCOUNTS_FILE cannot be followed; accounts and keys stay as they are");
      told = why;
    }
    return false;
  };
  await look().catch((error: unknown) => log.warn({ err: error, file }, "ACCOUNTS_FILE will be followed later"));
  return { ...every("declared accounts", config.accountsLookEveryMs, log, look), rejected: () => told !== "" };
}

function wrongWith(error: unknown): string | undefined {
  if (error instanceof DeclarationError) return error.message;
  const code: unknown = Reflect.get(Object(error), "code");
  // These are the codes of the file system, and that of the contract's checks, which names a field.
  if (typeof code === "string" && (/^E[A-Z]+$/.test(code) || code === "invalid_value"))
    return code === "invalid_value" ? String(error) : code;
  return undefined;
}

async function applyAccount(context: Context, declared: DeclaredAccount): Promise<void> {
  const { db, log, rows } = context;
  const { name, group, operator, creditNanoUsd, keys } = declared;
  const fields = rows.account({ name, group });
  const made = await insertAccount(db, { ...fields, created_with: rows.digest(fields) });
  const account = made ?? (await findAccountByName(db, name));
  if (account === undefined) throw new Error("an account vanished while it was looked for");
  const { account_id: accountId } = account;
  const target = accountId.toString();
  if (made !== undefined) {
    log.info({ account: name }, "an account was made, as ACCOUNTS_FILE says");
    await enter(db, { procedure: "accounts.create", target, after: { account_id: target, name, group } });
  }
  if (account.group_name !== group || account.operator !== operator) {
    await updateAccount(db, accountId, { group_name: group, operator });
    const before = { group: account.group_name, operator: account.operator };
    await enter(db, { procedure: "accounts.update", target, before, after: { group, operator } });
    context.rateLimits.forget({ accountId });
    log.info({ account: name, group, operator }, "an account was changed, as ACCOUNTS_FILE says");
  }
  if (creditNanoUsd > 0n) {
    await enterCredit(db, {
      ...{ accountId, kind: ledgerKinds.topup, amount: creditNanoUsd },
      ...{ actor: "accounts file", reason: "starting credit", reference: "accounts file" },
    });
    // Credit that is declared later has its entry in the ledger alone, with the same actor.
    if (made !== undefined) {
      await enter(db, { procedure: "credits.add", target, after: { amount_usd: formatUsd(creditNanoUsd) } });
    }
  }
  for (const key of keys) await applyKey(context, accountId, name, key);
}

async function applyKey(
  { config, db, log, rows }: Context,
  accountId: bigint,
  account: string,
  key: DeclaredKey,
): Promise<void> {
  const hashes = key.secrets.map(({ digest }) => storedHash(config.keyPepper, digest));
  const asked = rows.key(key);
  /** In the same transaction: no key is changed that the trail does not tell of. */
  const tell = async (
    trx: Queryable<BillingSchema>,
    keyId: bigint,
    what: keyof typeof procedures,
    scopes?: { readonly before: readonly string[]; readonly after: readonly string[] },
  ) => {
    const shown = { key_id: keyId.toString(), account_id: accountId.toString(), name: key.name };
    const before =
      what === "made" ? {} : { before: { ...shown, ...(scopes === undefined ? {} : { scopes: scopes.before }) } };
    const after = { ...shown, state: what, ...(scopes === undefined ? {} : { scopes: scopes.after }) };
    await enter(trx, { procedure: procedures[what], target: shown.key_id, ...before, after });
    return { what };
  };
  const done = await db.transaction(async (trx) => {
    await lockDeclarations(trx);
    const owners = hashes.length === 0 ? [] : await findOwners(trx, hashes);
    const named = await findKeysByName(trx, accountId, key.name);
    const foreign = owners.find(({ key_id }) => !named.some((one) => one.key_id === key_id));
    if (foreign !== undefined) throw new DeclarationError(`${account}, ${key.name}: a secret is in use by another key`);
    // The one that has a secret of these, revoked or not; otherwise the one by the name that was not revoked.
    const known =
      named.find(({ key_id }) => owners.some((owner) => owner.key_id === key_id)) ??
      named.find(({ revoked_at }) => revoked_at === null);
    if (known === undefined) {
      const [first, ...others] = hashes;
      if (first === undefined || key.revoked) return undefined;
      const kind = kindNumber(key.kind);
      const content = { ...asked, account_id: accountId, kind, user_id: "" };
      const prefix = key.secrets[0]?.prefix ?? "";
      const row = await insertKey(
        trx,
        { ...content, prefix, created_with: rows.digest(content), tracked: false },
        first,
      );
      if (others.length > 0) await alignSecrets(trx, row.key_id, hashes);
      return tell(trx, row.key_id, "made", { before: [], after: asked.scopes });
    }
    await lockKey(trx, known.key_id, accountId);
    if (key.revoked) {
      if (known.revoked_at !== null) return undefined;
      await revokeKey(trx, known.key_id);
      return tell(trx, known.key_id, "revoked");
    }
    if (known.revoked_at !== null)
      throw new DeclarationError(`${account}, ${key.name}: a secret of a key that was revoked; choose another`);
    if (known.kind !== kindNumber(key.kind))
      throw new DeclarationError(`${account}, ${key.name}: is a key of another kind; choose another name`);
    const changed = await alignSecrets(trx, known.key_id, hashes);
    if (changed) await setPrefix(trx, known.key_id, key.secrets[0]?.prefix ?? "");
    if (asked.scopes.join() === known.scopes.join())
      return changed ? tell(trx, known.key_id, "given its secrets") : undefined;
    await updateKey(trx, known.key_id, { scopes: asked.scopes });
    return tell(trx, known.key_id, "changed", { before: known.scopes, after: asked.scopes });
  });
  if (done === undefined) return;
  log.info({ account, key: key.name, done: done.what }, "a key was brought into line with ACCOUNTS_FILE");
}

/** What the trail of administration calls what was done to a key. */
const procedures = {
  made: "keys.create",
  revoked: "keys.revoke",
  "given its secrets": "keys.rotate",
  changed: "keys.update",
} as const;

interface Entered {
  readonly procedure: string;
  readonly target: string;
  readonly before?: object;
  readonly after: object;
}

/** Enters a change into the trail of administration: the file has asked for it, and no key. */
async function enter(db: Queryable<BillingSchema>, { procedure, target, before, after }: Entered): Promise<void> {
  await insertEvent(db, {
    ...{ request_id: 0n, call: 0, procedure, target, actor: "accounts file", actor_key_id: 0n, actor_account_id: 0n },
    ...{ address: "", values_json: "", outcome: "done" },
    before_json: before === undefined ? "" : JSON.stringify(before),
    after_json: JSON.stringify(after),
  });
}
