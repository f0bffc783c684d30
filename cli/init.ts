import { readEnv } from "../shared/config.ts";
import { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { processEnv } from "../shared/process-env.ts";
import { createGrpcClient } from "../shared/rpc/index.ts";
import { clientTls, peerSecrets } from "../shared/trust.ts";
import { cliEnv } from "./config.ts";
import { ensureDefaultAccount } from "./default-account.ts";

/** Makes the first account and its keys at the billing of a deployment (BILLING_TARGET); a repeat changes nothing. Gives the exit code. */
export async function init(): Promise<number> {
  const env = readEnv();
  const read = processEnv.read(env);
  const target = read.BILLING_TARGET;
  const billing = createGrpcClient(BillingService, {
    target,
    tls: clientTls(read),
    secret: peerSecrets(read)?.sent,
  });
  try {
    const { THROUGHLINE_BOOTSTRAP_KEY, THROUGHLINE_ADMIN_KEY } = cliEnv.read(env);
    const { secret, adminSecret } = await ensureDefaultAccount(billing, {
      secret: THROUGHLINE_BOOTSTRAP_KEY,
      adminSecret: THROUGHLINE_ADMIN_KEY,
      dataFolder: undefined,
    });
    if (secret === undefined && adminSecret === undefined) console.log("The first account has its keys.");
    if (THROUGHLINE_BOOTSTRAP_KEY !== undefined) console.log("API key             that of THROUGHLINE_BOOTSTRAP_KEY");
    if (THROUGHLINE_ADMIN_KEY !== undefined) console.log("Administration key  that of THROUGHLINE_ADMIN_KEY");
    if (secret !== undefined) console.log(`API key             ${secret}`);
    if (adminSecret !== undefined) console.log(`Administration key  ${adminSecret}`);
    return 0;
  } catch (error) {
    const why = reasonOf(error);
    console.error(`throughline init: billing at ${target} (BILLING_TARGET): ${why}`);
    return 1;
  } finally {
    await billing.close();
  }
}

/** The message, and what is behind it: "could not be reached" alone sends nobody to the certificate or the secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;
}
