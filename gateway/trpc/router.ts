import { accounts } from "./accounts.ts";
import { channels } from "./channels.ts";
import { credits } from "./credits.ts";
import { keys } from "./keys.ts";
import { ledger } from "./ledger.ts";
import { router } from "./procedures.ts";
import { requests } from "./requests.ts";
import { chat } from "./services.ts";
import { trail } from "./trail.ts";
import { usage } from "./usage.ts";
import { webhooks } from "./webhooks.ts";

/** Everything that /trpc serves. */
export const appRouter = router({ chat, accounts, keys, credits, ledger, usage, requests, channels, trail, webhooks });

/** Type of the router, for typed clients: `createTRPCClient<AppRouter>`. */
export type AppRouter = typeof appRouter;
