import type { FailureMeaning } from "../failures.ts";

/** What `base_resp.status_code` of MiniMax means, with status 200 all of them, in every module (platform.minimax.io, "Error codes"). */
export const minimaxMeanings: Readonly<Record<number, FailureMeaning>> = {
  1001: "timeout",
  1002: "overloaded",
  1004: "credential",
  1008: "no_credit",
  1026: "filtered",
  1027: "filtered",
  1039: "overloaded",
  1041: "overloaded",
  1042: "refused",
  2013: "refused",
  2042: "refused",
  2045: "overloaded",
  2049: "credential",
  2054: "refused",
  2056: "no_credit",
};
