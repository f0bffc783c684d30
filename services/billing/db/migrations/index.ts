import type { Migration } from "../../../../shared/db/index.ts";
import * as accounts from "./0001-accounts.ts";
import * as ledger from "./0002-ledger.ts";
import * as idempotency from "./0003-idempotency.ts";
import * as reserve from "./0004-reserve.ts";
import * as settle from "./0005-settle.ts";
import * as limits from "./0006-limits.ts";
import * as generations from "./0007-generations.ts";
import * as reserveGeneration from "./0008-reserve-generation.ts";
import * as sweep from "./0009-sweep.ts";
import * as reserveOne from "./0010-reserve-one.ts";
import * as lateKeys from "./0011-late-keys.ts";
import * as reserveHeld from "./0012-reserve-held.ts";
import * as operators from "./0013-operators.ts";
import * as usageSums from "./0013-usage-sums.ts";
import * as administration from "./0014-administration.ts";
import * as pepperCheck from "./0016-pepper-check.ts";

/** Billing's migrations, in their order. Applied ones are never edited: what changes is a migration of its own. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_accounts": accounts,
  "0002_ledger": ledger,
  "0003_idempotency": idempotency,
  "0004_reserve": reserve,
  "0005_settle": settle,
  "0006_limits": limits,
  "0007_generations": generations,
  "0008_reserve_generation": reserveGeneration,
  "0009_sweep": sweep,
  "0010_reserve_one": reserveOne,
  "0011_late_keys": lateKeys,
  "0012_reserve_held": reserveHeld,
  "0013_operators": operators,
  "0013_usage_sums": usageSums,
  "0014_administration": administration,
  "0016_pepper_check": pepperCheck,
};
