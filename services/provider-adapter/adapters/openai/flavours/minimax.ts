import type { FlavourConfig } from "../flavour-config.ts";

/** MiniMax. Most of its errors come with status 200, in `base_resp`. */
export const minimax: FlavourConfig = {
  request_id_headers: ["trace-id", "x-request-id"],
  effort_field: "",
  errors: [
    { code: "^(1008|2056)$", means: "no_credit" },
    { code: "^(1004|2049)$", means: "credential" },
    { code: "^(1002|1039|1041|2045)$", means: "overloaded" },
    { code: "^(1026|1027)$", means: "filtered" },
  ],
};
