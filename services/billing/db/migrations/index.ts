import type { Migration } from "../../../../shared/db/index.ts";
import { createPayers } from "./0001-payers.ts";
import { createLedger } from "./0002-ledger.ts";
import { createAnswers } from "./0003-answers.ts";
import { createReserve } from "./0004-reserve.ts";
import { createReserveOne } from "./0005-reserve-one.ts";
import { createSettle } from "./0006-settle.ts";
import { createLives } from "./0007-lives.ts";
import { createUsageSums } from "./0008-usage-sums.ts";
import { createAdministration } from "./0009-administration.ts";
import { createSplit } from "./0010-split.ts";
import { createJobLimits } from "./0011-jobs.ts";
import { createListPrices } from "./0012-list-prices.ts";
import { chainAdministration } from "./0013-chain-administration.ts";
import { addStoreRequest } from "./0013-store-request.ts";
import { slowVacuum } from "./0013-upkeep.ts";
import { addPlainBatches } from "./0015-plain-batches.ts";
import { addUpAlike } from "./0016-label-fold.ts";
import { foldTheLast } from "./0017-fold.ts";
import { addReservePlain } from "./0018-reserve-plain.ts";

/**
 * Billing's migrations, in their order. Until the first release they say what is there; from then on applied ones are never
 * edited, and what changes (a new column of the units, too) is a migration of its own.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_payers": createPayers,
  "0002_ledger": createLedger,
  "0003_answers": createAnswers,
  "0004_reserve": createReserve,
  "0005_reserve_one": createReserveOne,
  "0006_settle": createSettle,
  "0007_lives": createLives,
  "0008_usage_sums": createUsageSums,
  "0009_administration": createAdministration,
  "0010_split": createSplit,
  "0011_jobs": createJobLimits,
  "0012_list_prices": createListPrices,
  "0013_chain_administration": chainAdministration,
  "0013_store_request": addStoreRequest,
  "0013_upkeep": slowVacuum,
  "0015_plain_batches": addPlainBatches,
  "0016_label_fold": addUpAlike,
  "0017_fold": foldTheLast,
  "0018_reserve_plain": addReservePlain,
};
