import { reserveFunction } from "./0004-reserve.ts";
import { reserveOneFunction } from "./0005-reserve-one.ts";
import { settleFunction } from "./0006-settle.ts";
import { statements } from "./statements.ts";

const added = `add column if not exists concurrent_jobs billing.not_negative not null default 0,
  add column if not exists open_jobs billing.not_negative not null default 0`;

/** Jobs have a limit of their own. What was made before them gets the columns and the functions that know of them. */
export const createJobLimits = statements(
  `alter table billing.account ${added}`,
  `alter table billing.key ${added}`,
  "alter table billing.reservation add column if not exists jobs smallint not null default 0",
  "drop function if exists billing.reserve_one",
  "drop function if exists billing.reserve",
  reserveFunction,
  reserveOneFunction,
  settleFunction,
);
