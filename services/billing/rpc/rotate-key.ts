import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RotateKeyRequest,
  RotateKeyResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { endSecrets, insertSecret, lockKey, setPrefix } from "../db/keys.ts";
import { newSecret, secretDigest, storedHash, visiblePrefix } from "../domain/secret.ts";
import { keyErrors } from "../domain/verdict.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId } from "../wire/values.ts";
import { kindName, toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";

const maxOverlapMs = 30n * 86_400_000n;

/** Gives a key a new secret; the old one works for the overlap. */
export function rotateKey({ config, db }: BillingContext) {
  return async (request: RotateKeyRequest): Promise<MessageInitShape<typeof RotateKeyResponseSchema>> => {
    const keyId = checkedId(request.keyId, "key_id");
    const accountId = checkedFilterId(request.accountId, "account_id");
    if (request.overlapMs > maxOverlapMs) throw invalid("overlap_ms", "must be at most 30 days");
    return db.transaction(async (trx) => {
      const key = await lockKey(trx, keyId, accountId);
      if (key === undefined) throw noKey();
      if (key.revoked_at !== null) throw keyErrors.revoked();
      const kind = kindName(key.kind);
      const secret = newSecret(kind);
      await endSecrets(trx, keyId, Number(request.overlapMs));
      await insertSecret(trx, keyId, storedHash(config.keyPepper, secretDigest(secret)));
      return { key: toKey(await setPrefix(trx, keyId, visiblePrefix(secret, kind))), secret };
    });
  };
}
