import { readEnv } from "../shared/config.ts";
import { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createGrpcClient } from "../shared/rpc/index.ts";
import { processEnv } from "../shared/run-service.ts";
import { cliEnv } from "./config.ts";
import { ensureDefaultAccount } from "./default-account.ts";

/** Makes the first account and its keys at the billing of a deployment (BILLING_TARGET); a repeat changes nothing. Gives the exit code. */
export async function init(): Promise<number> {
  const env = readEnv();
  const target = processEnv.read(env).BILLING_TARGET;
  const billing = createGrpcClient(BillingService, { target });
  try {
    const { secret } = await ensureDefaultAccount(billing, cliEnv.read(env).THROUGHLINE_BOOTSTRAP_KEY);
    console.log(secret === undefined ? "The first account has its keys already." : `API key  ${secret}`);
    return 0;
  } catch (error) {
    console.error(`throughline init: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await billing.close();
  }
}
