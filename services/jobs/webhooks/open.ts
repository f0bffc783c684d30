import { createGuard } from "../../../shared/outbound/guard.ts";
import type { WebhooksConfig } from "../config.ts";
import type { JobsContext, JobsDeps } from "../context.ts";
import type { JobsDatabase } from "../db/open.ts";
import { createAddressCheck } from "./address.ts";
import { startCourier } from "./courier.ts";
import { createSecrets, resealSecrets } from "./secrets.ts";
import { createSender } from "./send.ts";

/** What webhooks add to the service. */
export interface Webhooks {
  readonly context: Pick<JobsContext, "courier" | "addresses" | "secrets">;
  stop(): Promise<void>;
}

/** Opens what webhooks need, and begins to deliver. */
export async function openWebhooks(
  config: WebhooksConfig,
  { log, metrics, tracing }: JobsDeps,
  db: JobsDatabase,
): Promise<Webhooks> {
  const { allow, timeoutMs, credentialKeys, ...pace } = config;
  const guard = createGuard({ allow });
  const addresses = createAddressCheck(guard, allow);
  const secrets = createSecrets(credentialKeys);
  await resealSecrets(db, credentialKeys, log);
  const sender = createSender(guard, addresses, timeoutMs);
  const courier = startCourier({ db, log, metrics, tracing, secrets, sender, random: Math.random, ...pace });
  return {
    context: { courier, addresses, secrets },
    async stop() {
      await courier.stop();
      await sender.close();
    },
  };
}
