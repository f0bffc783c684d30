import { type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** An answer that is kept for replays. */
export interface StoredAnswer {
  readonly http_status: number;
  readonly content_type: string;
  readonly body: Buffer;
}

/** How long an answer, and the Idempotency-Key that it belongs to, is kept. */
export const answerLifeHours = 24;

const store = statement(
  "billing_store_answer",
  `with mine as (
     update billing.idempotency d set answered = true where d.request_id = $1::bigint and not d.answered
       and ($5::boolean or exists (select from billing.ledger l where l.entry_id = $1::bigint and l.kind = 1))
     returning d.account_id
   )
   insert into billing.answer (request_id, day, account_id, http_status, content_type, body, created_at)
   select $1::bigint, billing.day_of(clock_timestamp()), m.account_id, $2::integer, $3::text, $4::bytea, clock_timestamp()
   from mine m`,
  { idempotent: true },
);
const forget = statement(
  "billing_forget_answer",
  "delete from billing.idempotency where request_id = $1::bigint and not answered",
  { idempotent: true },
);
const find = statement(
  "billing_find_answer",
  `select http_status, content_type, body from billing.answer
   where request_id = $1::bigint and account_id = $2::bigint
     and created_at > clock_timestamp() - interval '${answerLifeHours} hours'`,
  { idempotent: true },
);

/**
 * Keeps the answer of a request that bore an Idempotency-Key, once; nothing where it bore none, nor where the request was
 * not charged: a client that left in the moment when its answer came would get it by a repeat, and nobody would pay. Of a job
 * (`begun`) it is what the client has to find it by, so it is kept at once: else a repeat would begin another one.
 */
export async function storeAnswer(
  db: Database<BillingSchema>,
  requestId: bigint,
  answer: { httpStatus: number; contentType: string; body: Uint8Array; begun: boolean },
): Promise<void> {
  const { httpStatus, contentType, body, begun } = answer;
  await db.query(store, [
    requestId,
    httpStatus,
    contentType,
    Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    begun,
  ]);
}

/** Frees the Idempotency-Key of a request that has no answer to replay. */
export async function forgetAnswer(db: Database<BillingSchema>, requestId: bigint): Promise<void> {
  await db.query(forget, [requestId]);
}

/** The answer of an account's request, while it is kept. */
export async function findAnswer(
  db: Database<BillingSchema>,
  requestId: bigint,
  accountId: bigint,
): Promise<StoredAnswer | undefined> {
  const [row] = await db.query<StoredAnswer>(find, [requestId, accountId]);
  return row;
}

const expire = statement(
  "billing_expire_keys",
  `delete from billing.idempotency where (account_id, key_hash) in (
     select account_id, key_hash from billing.idempotency
     where created_at < least(clock_timestamp() - interval '${answerLifeHours} hours', to_timestamp($2::float8 / 1000))
     order by created_at limit $1::integer for update skip locked)
   returning 1 as gone`,
);
const roll = statement(
  "billing_roll_answers",
  `select billing.roll_answers(
     least(clock_timestamp() - interval '${answerLifeHours} hours', to_timestamp($1::float8 / 1000)))`,
);

/** Beyond all times: the life of an answer alone decides. */
const noBoundMs = 8.64e15;

/** Removes at most `limit` Idempotency-Keys that are past their life and older than `beforeMs`; answers how many. */
export async function expireKeys(db: Database<BillingSchema>, limit: number, beforeMs = noBoundMs): Promise<number> {
  return (await db.query(expire, [limit, beforeMs])).length;
}

/** Makes the partitions of the next days and drops those of which every answer is past its life and older than `beforeMs`. */
export async function rollAnswers(db: Database<BillingSchema>, beforeMs = noBoundMs): Promise<void> {
  await db.query(roll, [beforeMs]);
}
