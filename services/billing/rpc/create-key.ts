import type { MessageInitShape } from "@bufbuild/protobuf";
import { constraintOf, sqlStateOf, sqlStates } from "../../../shared/db/index.ts";
import {
  type CreateKeyRequest,
  type CreateKeyResponseSchema,
  KeyKind,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { findKeyByHash, insertKey, type KeyRow, type NewKey } from "../db/keys.ts";
import { minSecretLength, newSecret, secretDigest, storedHash, visiblePrefix } from "../domain/secret.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId, checkedText } from "../wire/values.ts";
import { creationDigest } from "./account-message.ts";
import { kindName, toKey, toKeyFields } from "./key-message.ts";
import { noAccount } from "./missing.ts";

const maxSecretLength = 512;

/** Creates a key. A given secret sent twice with the same content answers the first key, as it is by now. */
export function createKey({ config, db }: BillingContext) {
  return async ({
    key,
    secret: given,
  }: CreateKeyRequest): Promise<MessageInitShape<typeof CreateKeyResponseSchema>> => {
    if (key === undefined) throw invalid("key", "must be given");
    const kind = kindName(key.kind);
    if (given !== "" && (given.length < minSecretLength || given.length > maxSecretLength)) {
      throw invalid("secret", `must have ${minSecretLength} to ${maxSecretLength} characters`);
    }
    // A key travels in a header: anything else could never be sent.
    if (given !== "" && !/^[\x21-\x7e]+$/.test(given))
      throw invalid("secret", "must consist of visible ASCII characters");
    const userId = checkedText(key.userId, "key.user_id");
    if (key.kind === KeyKind.USER && userId === "") throw invalid("key.user_id", "must be given for a user key");
    if (key.kind !== KeyKind.USER && userId !== "") throw invalid("key.user_id", "is for keys of kind user alone");
    const fields = toKeyFields(key);
    const secret = given === "" ? newSecret(kind) : given;
    const asked = {
      ...fields,
      account_id: checkedId(key.accountId, "key.account_id"),
      kind: key.kind,
      user_id: userId,
    };
    const digest = creationDigest(asked);
    const tracked = [asked.concurrent_requests, asked.concurrent_jobs, asked.daily_budget, asked.monthly_budget].some(
      (limit) => limit > 0n,
    );
    const row: NewKey = { ...asked, prefix: visiblePrefix(secret, kind), created_with: digest, tracked };
    const hash = storedHash(config.keyPepper, secretDigest(secret));
    return { key: toKey(await insertOrFind({ db }, row, hash)), secret };
  };
}

async function insertOrFind({ db }: Pick<BillingContext, "db">, key: NewKey, hash: Buffer): Promise<KeyRow> {
  try {
    return await db.transaction((trx) => insertKey(trx, key, hash));
  } catch (error) {
    if (sqlStateOf(error) === sqlStates.foreignKeyViolation) {
      throw noAccount("key.account_id");
    }
    if (sqlStateOf(error) !== sqlStates.uniqueViolation || constraintOf(error) !== "key_secret_pkey") throw error;
    const first = await findKeyByHash(db, hash);
    if (first?.created_with.equals(key.created_with)) return first;
    throw invalid("secret", "is in use by another key; choose another secret");
  }
}
