import {
  BillingService,
  type SettleItem,
  type Settlement,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { batchHandler, defineService, type ServiceDefinition, unaryHandler } from "../../../shared/rpc/index.ts";
import type { BillingContext } from "../context.ts";
import { addCredit } from "./add-credit.ts";
import { audit } from "./audit.ts";
import { authenticate } from "./authenticate.ts";
import { createAccount } from "./create-account.ts";
import { createKey } from "./create-key.ts";
import { extend } from "./extend.ts";
import { getAccount } from "./get-account.ts";
import { getAnswer } from "./get-answer.ts";
import { getStanding } from "./get-standing.ts";
import { gatheringJudge } from "./judge.ts";
import { listAccounts } from "./list-accounts.ts";
import { listAdministration } from "./list-administration.ts";
import { listBudgetUse } from "./list-budget-use.ts";
import { listKeys } from "./list-keys.ts";
import { listLedger } from "./list-ledger.ts";
import { recordAdministration } from "./record-administration.ts";
import { reserve } from "./reserve.ts";
import { revokeKey } from "./revoke-key.ts";
import { rotateKey } from "./rotate-key.ts";
import { createSecondLook } from "./second-look.ts";
import { settle } from "./settle.ts";
import { splitReservationOf } from "./split-reservation.ts";
import { storeAnswer } from "./store-answer.ts";
import { sumUsage } from "./sum-usage.ts";
import { updateAccount } from "./update-account.ts";
import { updateKey } from "./update-key.ts";

/** What billing answers to, and how it stops holding answers back. */
interface BillingDefinition {
  readonly definition: ServiceDefinition<typeof BillingService>;
  stop(): void;
}

/** What billing answers to. */
export function billingDefinition(context: BillingContext): BillingDefinition {
  const { config } = context;
  const judgeOne = gatheringJudge(context);
  const secondLook = createSecondLook(config.refusalWaitMs, judgeOne, () => settling.hurry());
  // The client has its answer by then, and a statement costs as much as 70 of the items in it: 35 us each in a batch of 32, 15 in one of 128.
  const settling = batchHandler<SettleItem, Settlement>(
    settle(context, (accountIds) => secondLook.settled(accountIds)),
    {
      maxConcurrent: 1,
      lingerMs: config.settleLingerMs,
      enough: 128,
      isWaited: ({ waited, accountId }) => waited || secondLook.isShort(accountId),
    },
  );
  const definition = defineService(BillingService, {
    authenticate: batchHandler(authenticate(context), { maxConcurrent: 2 }),
    // Two at a time mostly wait for each other's accounts: a second one is for as many as make a good statement by themselves, for
    // those that wait behind one of ten times the usual length, and beside one of a single reservation: where they come so rarely, to
    // wait makes no larger statements.
    reserve: batchHandler(reserve(context, { judgeOne, secondLook }), {
      maxConcurrent: 2,
      besideAnother: { besideFewerThan: 2, enough: 64, afterMs: 20 },
      rest: { after: 8, forMs: 2 },
    }),
    settle: settling,
    extend: unaryHandler(extend(context)),
    splitReservation: unaryHandler(splitReservationOf(context)),
    storeAnswer: unaryHandler(storeAnswer(context)),
    getAnswer: unaryHandler(getAnswer(context)),
    createAccount: unaryHandler(createAccount(context)),
    updateAccount: unaryHandler(updateAccount(context)),
    getAccount: unaryHandler(getAccount(context)),
    listAccounts: unaryHandler(listAccounts(context)),
    listBudgetUse: unaryHandler(listBudgetUse(context)),
    createKey: unaryHandler(createKey(context)),
    updateKey: unaryHandler(updateKey(context)),
    rotateKey: unaryHandler(rotateKey(context)),
    revokeKey: unaryHandler(revokeKey(context)),
    listKeys: unaryHandler(listKeys(context)),
    getStanding: unaryHandler(getStanding(context)),
    addCredit: unaryHandler(addCredit(context)),
    listLedger: unaryHandler(listLedger(context)),
    sumUsage: unaryHandler(sumUsage(context)),
    audit: unaryHandler(audit(context)),
    recordAdministration: unaryHandler(recordAdministration(context)),
    listAdministration: unaryHandler(listAdministration(context)),
  });
  return { definition, stop: () => secondLook.stop() };
}
