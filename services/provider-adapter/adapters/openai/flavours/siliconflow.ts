import type { FlavourConfig } from "../flavour-config.ts";

/** SiliconFlow. Its codes are numbers (docs.siliconflow.cn, "Error handling"). */
export const siliconflow: FlavourConfig = {
  request_id_headers: ["x-siliconcloud-trace-id", "x-request-id"],
  effort_field: "",
  budget_field: "thinking_budget",
  top_k: true,
  errors: [
    { code: "^(30001|30011)$", means: "no_credit" },
    { code: "^20012$", means: "unknown_model" },
    { code: "^(50505|50603)$", means: "overloaded" },
    { status: 403, message: "balance", means: "no_credit" },
  ],
};
