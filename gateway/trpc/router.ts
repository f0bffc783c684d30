import { accounts } from "./accounts.ts";
import { batches } from "./batches.ts";
import { channels } from "./channels.ts";
import { credits } from "./credits.ts";
import { jobs, videos } from "./jobs.ts";
import { keys } from "./keys.ts";
import { ledger } from "./ledger.ts";
import { me } from "./me.ts";
import { models } from "./models.ts";
import { router } from "./procedures.ts";
import { requests } from "./requests.ts";
import { chat, embeddings, images, messages, moderations, rerank, responses, speech } from "./services.ts";
import { trail } from "./trail.ts";
import { usage } from "./usage.ts";
import { webhooks } from "./webhooks.ts";

/** Everything that /trpc serves. */
export const appRouter = router({
  chat,
  messages,
  responses,
  embeddings,
  rerank,
  moderations,
  images,
  speech,
  videos,
  jobs,
  batches,
  models,
  me,
  accounts,
  keys,
  credits,
  ledger,
  usage,
  requests,
  channels,
  trail,
  webhooks,
});

/** Type of the router, for typed clients: `createTRPCClient<AppRouter>`. */
export type AppRouter = typeof appRouter;
