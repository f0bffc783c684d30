import { type Database, statement } from "../../../shared/db/index.ts";
import type { Hold } from "../../../shared/retention.ts";
import { answerLifeHours } from "./answers.ts";
import type { BillingSchema } from "./schema.ts";

/** Milliseconds of the days that Idempotency-Keys and answers are counted in, by PostgreSQL's clock and UTC. */
export const dayMs = 86_400_000;

/** What there is of Idempotency-Keys past their life. */
export interface PastKeys {
  /** PostgreSQL's clock, Unix milliseconds. */
  readonly nowMs: number;
  /** Days of which every key is past its life and some are still there, by the day after each; ascending. */
  readonly dueDays: readonly bigint[];
  readonly hold: Hold | undefined;
}

const find = statement(
  "billing_past_keys",
  `select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
     array(select distinct billing.day_of(created_at)::bigint + 1 from billing.idempotency
       where created_at < to_timestamp(billing.day_of(clock_timestamp() - interval '${answerLifeHours} hours') * 86400.0)
       order by 1) as due_days,
     (select (extract(epoch from j.position) * 1000)::float8 from billing.job j where j.name = 'retention') as since_ms,
     (select (extract(epoch from j.held_until) * 1000)::float8 from billing.job j where j.name = 'retention') as stepped_ms`,
  { idempotent: true },
);

/** Looks what is past its life, and whether its deletion was announced. */
export async function findPastKeys(db: Database<BillingSchema>): Promise<PastKeys> {
  const [row] = await db.query<{
    now_ms: number;
    due_days: bigint[];
    since_ms: number | null;
    stepped_ms: number | null;
  }>(find, []);
  const { since_ms: sinceMs = null, stepped_ms: steppedMs = null } = row ?? {};
  return {
    nowMs: Math.trunc(row?.now_ms ?? 0),
    dueDays: row?.due_days ?? [],
    hold: sinceMs === null ? undefined : { sinceMs, steppedMs: steppedMs ?? 0 },
  };
}

const keep = statement(
  "billing_keep_hold",
  `insert into billing.job (name, position, holder, held_until)
   values ('retention', to_timestamp($1::float8 / 1000), '', to_timestamp($2::float8 / 1000))
   on conflict (name) do update set position = excluded.position, held_until = excluded.held_until`,
  { idempotent: true },
);
const end = statement("billing_end_hold", "delete from billing.job where name = 'retention'", { idempotent: true });

/** Keeps the announced deletion, or ends it. */
export async function storeHold(db: Database<BillingSchema>, hold: Hold | undefined): Promise<void> {
  if (hold === undefined) await db.query(end, []);
  else await db.query(keep, [hold.sinceMs, hold.steppedMs]);
}
