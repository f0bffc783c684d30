import { takesWrites } from "../../shared/db/index.ts";
import type { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { ServiceDefinition } from "../../shared/rpc/index.ts";
import type { RunningService } from "../../shared/run-service.ts";
import { billingSpans } from "../../shared/telemetry/index.ts";
import type { BillingConfig } from "./config.ts";
import type { BillingContext, BillingDeps } from "./context.ts";
import { rollAnswers } from "./db/answers.ts";
import { ensureLedgerPartitions } from "./db/keep.ts";
import { openDatabase, openReports } from "./db/open.ts";
import { checkPepper } from "./db/pepper-check.ts";
import { createTariffs } from "./db/tariffs.ts";
import type { followDeclaredAccounts } from "./jobs/declared-accounts.ts";
import { startGauges } from "./jobs/gauges.ts";
import { ledgerAheadMs, startKeeper } from "./jobs/keeper.ts";
import { startReconciler } from "./jobs/reconciler.ts";
import { startRemaining } from "./jobs/remaining.ts";
import { startSweeper } from "./jobs/sweeper.ts";
import { startUsageFolder } from "./jobs/usage-folder.ts";
import { openRateLimits } from "./limits/open.ts";
import { declaredRows } from "./rpc/declared-rows.ts";
import { billingDefinition } from "./rpc/index.ts";

/** Billing, running. */
export interface RunningBilling extends RunningService {
  readonly definition: ServiceDefinition<typeof BillingService>;
}

/** Starts billing: database, jobs, handlers. */
export async function startBilling(config: BillingConfig, deps: BillingDeps): Promise<RunningBilling> {
  const { log, tracing, metrics } = deps;
  const db = await openDatabase(config, log);
  try {
    await checkPepper(db, config, log);
  } catch (error) {
    await db.close();
    throw error;
  }
  await ensureLedgerPartitions(db, ledgerAheadMs);
  // Only makes what is missing: what goes, the keeper decides.
  await rollAnswers(db, 0);
  const reports = openReports(config, log);
  const rateLimits = await openRateLimits(config, db, log);
  const context: BillingContext = {
    config,
    db,
    reports,
    log,
    metrics,
    rateLimits,
    spans: billingSpans(tracing),
    tariffs: createTariffs(db),
    nowMs: Date.now,
  };
  // To Prometheus a counter that appears with its first value has not risen: the alerts on these two would sleep through it.
  metrics.sweeperReleased(0);
  metrics.charged("chat", 0n);
  const jobs = [
    startSweeper(context),
    startReconciler(context, deps.history),
    startKeeper(context),
    startGauges(context),
    startRemaining(context),
    startUsageFolder(context),
  ];
  const declared =
    config.accountsFile === undefined
      ? undefined
      : await followed({ ...context, rows: declaredRows }, config.accountsFile);
  const unobserve =
    declared === undefined
      ? () => undefined
      : metrics.observe("configuration_rejected", () => (declared.rejected() ? 1 : 0), "billing");
  const { definition, stop } = billingDefinition(context);
  return {
    definition,
    ready: () => takesWrites(db),
    async stop() {
      stop();
      unobserve();
      await Promise.all([...jobs, ...(declared === undefined ? [] : [declared])].map((job) => job.stop()));
      await rateLimits.close();
      await Promise.all([db.close(), reports.close()]);
    },
  };
}

/** The reader of the file is loaded only where there is a file. */
async function followed(
  ...given: Parameters<typeof followDeclaredAccounts>
): ReturnType<typeof followDeclaredAccounts> {
  const { followDeclaredAccounts: follow } = await import("./jobs/declared-accounts.ts");
  return await follow(...given);
}
