import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  UpdateKeyRequest,
  UpdateKeyResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { type KeyFields, lockKey, updateKey as update } from "../db/keys.ts";
import { checkedId, checkedText } from "../wire/values.ts";
import { toLimitFields } from "./account-message.ts";
import { checkedCidrs, checkedModels, checkedScopes, toExpiry, toKey } from "./key-message.ts";
import { noKey } from "./missing.ts";
import { checkedFilterId } from "./paging.ts";

/** Changes what is given of a key; in force from the next Reserve of any replica on. */
export function updateKey({ db, rateLimits }: BillingContext) {
  return async (request: UpdateKeyRequest): Promise<MessageInitShape<typeof UpdateKeyResponseSchema>> => {
    const keyId = checkedId(request.keyId, "key_id");
    const fields = toFields(request);
    const row = await db.transaction(async (trx) => {
      const locked = await lockKey(trx, keyId, checkedFilterId(request.accountId, "account_id"));
      return locked === undefined ? undefined : update(trx, keyId, fields);
    });
    if (row === undefined) throw noKey();
    rateLimits.forget({ keyId });
    return { key: toKey(row) };
  };
}

function toFields(request: UpdateKeyRequest): Partial<KeyFields> {
  const { name, group, limits, expiresUnixMs } = request;
  return {
    ...(name === undefined ? {} : { name: checkedText(name, "name", 200) }),
    ...(request.setScopes ? { scopes: checkedScopes(request.scopes, "scopes") } : {}),
    ...(request.setAllowedModels ? { allowed_models: checkedModels(request.allowedModels, "allowed_models") } : {}),
    ...(request.setAllowedCidrs ? { allowed_cidrs: checkedCidrs(request.allowedCidrs, "allowed_cidrs") } : {}),
    ...(group === undefined ? {} : { group_name: checkedText(group, "group", 200) }),
    ...(limits === undefined ? {} : toLimitFields(limits, "limits")),
    ...(expiresUnixMs === undefined ? {} : { expires_at: toExpiry(expiresUnixMs, "expires_unix_ms") }),
  };
}
