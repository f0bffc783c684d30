import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  AuthenticateItem,
  KeyKind,
  PrincipalSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { DisconnectPolicy, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { LaneCall } from "../../../shared/rpc/types.ts";
import { endCall } from "../../../shared/telemetry/index.ts";
import type { BillingContext } from "../context.ts";
import { type FoundKey, findKeys } from "../db/authenticate.ts";
import { sameHash, storedHash } from "../domain/secret.ts";
import { keyErrors } from "../domain/verdict.ts";
import { inHalves } from "./batches.ts";

type Answer = MessageInitShape<typeof PrincipalSchema> | ThroughlineError;

/** Tells whose keys these are: one statement for the batch, nothing remembered, so a revocation holds from the next call on. */
export function authenticate(context: BillingContext) {
  const { config, db, spans, log } = context;
  return async (calls: readonly LaneCall<AuthenticateItem>[]): Promise<Answer[]> => {
    const open = calls.map((call) => spans.authenticate(call));
    const hashes = calls.map(({ item }) => storedHash(config.keyPepper, item.secretSha256));
    const found = await spans.during(calls, open, () =>
      inHalves(
        hashes,
        async (part) => {
          const keys = new Map((await findKeys(db, part)).map((key) => [key.hash.toString("hex"), key]));
          return part.map((hash) => toAnswer(hash, keys.get(hash.toString("hex"))));
        },
        (error, size) => log.error({ err: error, size }, "Authenticate failed for a batch"),
      ),
    );
    for (const [i, answer] of found.entries()) {
      const span = open[i];
      if (span !== undefined) endCall(span, answer instanceof ThroughlineError ? answer.code : undefined);
    }
    return found;
  };
}

function toAnswer(hash: Buffer, key: FoundKey | undefined): Answer {
  if (key === undefined || !sameHash(key.hash, hash)) return keyErrors.unknown();
  if (key.revoked) return keyErrors.revoked();
  if (key.secret_ended) return keyErrors.rotated();
  if (key.expired) return keyErrors.expired();
  if (key.suspended) return keyErrors.suspended();
  return {
    accountId: key.account_id,
    keyId: key.key_id,
    kind: key.kind as KeyKind,
    group: key.group_name,
    userId: key.user_id,
    scopes: key.scopes,
    allowedModels: key.allowed_models,
    allowedCidrs: key.allowed_cidrs,
    disconnectPolicy: key.disconnect_policy as DisconnectPolicy,
    storeResponse: key.store_response as StoreResponse,
    expiresUnixMs: BigInt(key.expires_at?.getTime() ?? 0),
    keyPrefix: key.prefix,
    secretGeneration: key.generation,
    operator: key.operator,
    storeRequest: key.store_request,
  };
}
