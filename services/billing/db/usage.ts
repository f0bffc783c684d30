import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** What usage is summed by. */
export type UsageBy = "day" | "key" | "model" | "group";

/** A sum. Counts come as bigint. */
export interface UsageSumRow {
  name: string;
  requests: bigint;
  charged: bigint;
  input_tokens: bigint;
  cached_input_tokens: bigint;
  cache_write_tokens: bigint;
  output_tokens: bigint;
  reasoning_tokens: bigint;
  images: bigint;
  audio_ms: bigint;
  characters: bigint;
  estimated: boolean;
}

const names = {
  day: sql`to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD')`,
  key: sql`coalesce(l.key_id, 0)::text`,
  model: sql`coalesce(t.model, '')`,
  group: sql`coalesce(nullif(t.group_name, ''), a.group_name, '')`,
} as const;

/**
 * Sums what requests that ended in [fromMs, toMs) were charged and consumed, of an account or of all (0n). By the time
 * of the ending, as budgets count: a day's sum never changes after the day.
 */
export async function sumUsage(
  db: Queryable<BillingSchema>,
  { accountId, fromMs, toMs, by }: { accountId: bigint; fromMs: number; toMs: number; by: UsageBy },
): Promise<UsageSumRow[]> {
  const ofAccount = accountId === 0n ? sql`` : sql`and l.account_id = ${accountId}`;
  const { rows } = await sql<UsageSumRow>`
    select ${names[by]} as name, count(distinct l.entry_id) as requests, (-sum(l.amount))::bigint as charged,
      coalesce(sum(l.input_tokens), 0)::bigint as input_tokens,
      coalesce(sum(l.cached_input_tokens), 0)::bigint as cached_input_tokens,
      coalesce(sum(l.cache_write_tokens), 0)::bigint as cache_write_tokens,
      coalesce(sum(l.output_tokens), 0)::bigint as output_tokens,
      coalesce(sum(l.reasoning_tokens), 0)::bigint as reasoning_tokens,
      coalesce(sum(l.images), 0)::bigint as images,
      coalesce(sum(l.audio_ms), 0)::bigint as audio_ms,
      coalesce(sum(l.characters), 0)::bigint as characters,
      bool_or(l.estimated) as estimated
    from billing.ledger l
    left join billing.tariff t on t.tariff_id = l.tariff_id
    left join billing.account a on a.account_id = l.account_id
    where l.kind in (1, 2) and l.created_at >= ${new Date(fromMs)} and l.created_at < ${new Date(toMs)} ${ofAccount}
    group by 1 order by 1`.execute(db.kysely);
  return rows;
}
