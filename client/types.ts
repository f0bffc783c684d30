import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "./contract/router.ts";

/** What procedures take: `RouterInputs["keys"]["create"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;
/** What procedures give: `RouterOutputs["requests"]["get"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
