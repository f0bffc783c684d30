import type { FlavourConfig } from "../flavour-config.ts";

/** Volcengine Ark (Doubao, Seedream). Models are named with the date of their version, or by an endpoint of the account. */
export const volcengine: FlavourConfig = {
  request_id_headers: ["x-request-id", "x-tt-logid"],
  thinking_on: { thinking: { type: "enabled" } },
  thinking_off: { thinking: { type: "disabled" } },
  effort_field: "",
  errors: [
    { code: "SensitiveContent|PolicyViolation|RiskDetection", means: "filtered" },
    { code: "AccountOverdue|QuotaExceeded", means: "no_credit" },
    { code: "RateLimit|ServerOverloaded|SetLimitExceeded", means: "overloaded" },
    { code: "ModelNotOpen|InvalidEndpointOrModel", means: "unknown_model" },
  ],
};
