import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RevokeKeyRequest,
  RevokeKeyResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { lockKey, revokeKey as revoke } from "../db/keys.ts";
import { checkedId } from "../wire/values.ts";
import { toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";

/** Revokes a key: no Reserve that begins after the answer succeeds, on any replica. */
export function revokeKey({ db }: BillingContext) {
  return async (request: RevokeKeyRequest): Promise<MessageInitShape<typeof RevokeKeyResponseSchema>> => {
    const keyId = checkedId(request.keyId, "key_id");
    const accountId = checkedFilterId(request.accountId, "account_id");
    const row = await db.transaction(async (trx) => {
      const key = await lockKey(trx, keyId, accountId);
      return key === undefined ? undefined : revoke(trx, keyId);
    });
    if (row === undefined) throw noKey();
    return { key: toKey(row) };
  };
}
