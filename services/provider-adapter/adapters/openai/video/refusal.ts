import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { UpstreamFailure } from "../../../domain/upstream-failure.ts";
import type { JsonObject } from "../../../wire/json.ts";

/** The refusal that an error object inside a 200 says: of whoever says it, nothing was begun. */
export function refusalOf(flavour: OpenaiFlavour, error: JsonObject): UpstreamFailure {
  const meant = flavour.streamError(error);
  return { error: meant, failover: meant.entry.httpStatus >= 500, unhealthy: true, cooldownMs: 0 };
}
