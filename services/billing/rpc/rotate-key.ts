import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Queryable } from "../../../shared/db/index.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  RotateKeyRequest,
  RotateKeyResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { type KeyRow, lockKey, setPrefix } from "../db/keys.ts";
import type { BillingSchema } from "../db/schema.ts";
import { endSecrets, findSecret, insertSecret, oldSecretsEnd, secretsOfADay } from "../db/secrets.ts";
import { newSecret, secretDigest, storedHash, successorSecret, visiblePrefix } from "../domain/secret.ts";
import { keyErrors } from "../domain/verdict.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId, checkedText } from "../wire/values.ts";
import { kindName, toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";

const dayMs = 86_400_000;
const maxOverlapMs = 30n * BigInt(dayMs);
/** Most secrets that a key makes of itself within a day: each leaves a row that stays. */
const maxSecretsOfADay = 100;

type Rotated = MessageInitShape<typeof RotateKeyResponseSchema>;

/** Gives a key a new secret; the old one works for the overlap. */
export function rotateKey({ config, db }: BillingContext) {
  return async (request: RotateKeyRequest): Promise<Rotated> => {
    const keyId = checkedId(request.keyId, "key_id");
    const accountId = checkedFilterId(request.accountId, "account_id");
    if (request.overlapMs > maxOverlapMs) throw invalid("overlap_ms", "must be at most 30 days");
    const asking = checkedAsking(request);
    return db.transaction(async (trx) => {
      const key = await lockKey(trx, keyId, accountId);
      if (key === undefined) throw noKey();
      if (key.revoked_at !== null) throw keyErrors.revoked();
      const made =
        asking === undefined
          ? { secret: newSecret(kindName(key.kind)), isRepeat: false }
          : await successorOf(trx, key, config.keyPepper, asking);
      if (!made.isRepeat) {
        await endSecrets(trx, keyId, Number(request.overlapMs));
        await insertSecret(trx, keyId, storedHash(config.keyPepper, secretDigest(made.secret)));
      }
      const row = made.isRepeat ? key : await setPrefix(trx, keyId, visiblePrefix(made.secret, kindName(key.kind)));
      const end = await oldSecretsEnd(trx, keyId);
      return { key: toKey(row), secret: made.secret, oldSecretsEndUnixMs: BigInt(end?.getTime() ?? 0) };
    });
  };
}

/** A secret that asks for its own successor. */
interface Asking {
  readonly digest: Uint8Array;
  readonly idempotencyKey: string;
}

function checkedAsking({ ownSecretSha256: digest, idempotencyKey }: RotateKeyRequest): Asking | undefined {
  if (digest.length === 0) {
    if (idempotencyKey !== "") throw invalid("idempotency_key", "needs the secret that asks");
    return undefined;
  }
  if (digest.length !== 32) throw invalid("own_secret_sha256", "must have 32 bytes");
  return { digest, idempotencyKey: checkedText(idempotencyKey, "idempotency_key", 200) };
}

/** The secret that follows the asking one: a new one, or the one that this call made before. */
async function successorOf(
  trx: Queryable<BillingSchema>,
  { key_id: keyId, kind }: KeyRow,
  pepper: string,
  { digest, idempotencyKey }: Asking,
): Promise<{ readonly secret: string; readonly isRepeat: boolean }> {
  const asking = await findSecret(trx, keyId, storedHash(pepper, digest));
  if (asking === undefined) throw noKey();
  if (asking.ended) throw keyErrors.rotated();
  const name = kindName(kind);
  const isKeyed = idempotencyKey !== "";
  const secret = isKeyed ? successorSecret(pepper, name, digest, idempotencyKey) : newSecret(name);
  const before = isKeyed ? await findSecret(trx, keyId, storedHash(pepper, secretDigest(secret))) : undefined;
  if (before?.ended === true) {
    throw new ThroughlineError(
      "idempotency_mismatch",
      "The secret that this idempotency_key made has ended since; rotate with a new idempotency_key.",
      { param: "idempotency_key" },
    );
  }
  if (before !== undefined) return { secret, isRepeat: true };
  await mayMakeOne(trx, keyId, asking);
  return { secret, isRepeat: false };
}

/** Throws where the asking secret was replaced already, or where the key has replaced itself too often today. */
async function mayMakeOne(
  trx: Queryable<BillingSchema>,
  keyId: bigint,
  { valid_until }: { readonly valid_until: Date | null },
): Promise<void> {
  if (valid_until !== null) {
    throw new ThroughlineError(
      "permission_denied",
      "This secret was replaced already and works until its end alone; rotate with the newest secret, or repeat the first call with its idempotency_key.",
    );
  }
  const { made, eldestAgeMs } = await secretsOfADay(trx, keyId);
  if (made < maxSecretsOfADay) return;
  throw new ThroughlineError(
    "rate_limit_exceeded",
    `A key may replace its secret ${maxSecretsOfADay} times within a day; try again later, or ask the account's administrator.`,
    { retryAfterMs: Math.max(1_000, dayMs - eldestAgeMs) },
  );
}
