import { type Database, statement } from "../../shared/db/index.ts";
import type { ClientView } from "./load.ts";

/** A request as ledger and history know it. */
interface Known {
  readonly request_id: bigint;
  /** Charges of it. */
  readonly charges: number;
  readonly charged: bigint;
  readonly releases: number;
  /** Output tokens, reasoning included, that were charged. */
  readonly charged_tokens: bigint;
  /** 4 succeeded, 5 failed; null: no record. */
  readonly status: number | null;
  readonly billed: bigint | null;
  readonly http_status: number | null;
  readonly error_code: string | null;
}

const known = statement(
  "judge_known",
  `select i.id as request_id,
     (select count(*)::int from billing.ledger l where l.entry_id = i.id and l.kind = 1) as charges,
     (select coalesce(-sum(l.amount), 0)::bigint from billing.ledger l where l.entry_id = i.id and l.kind = 1) as charged,
     (select count(*)::int from billing.ledger l where l.entry_id = i.id and l.kind = 2) as releases,
     (select coalesce(sum(coalesce(l.output_tokens, 0) + coalesce(l.reasoning_tokens, 0)), 0)::bigint
      from billing.ledger l where l.entry_id = i.id and l.kind = 1) as charged_tokens,
     r.status, coalesce(r.billed_nano_usd, 0) as billed, (o.value ->> 'http')::int as http_status, o.value ->> 'error' as error_code
   from unnest($1::bigint[]) as i (id)
   left join history.record r on r.request_id = i.id
   left join history.term o on o.id = r.outcome_id`,
);

/** What a judgement came to. */
export interface Judgement {
  /** Requests that were judged. */
  readonly judged: number;
  /** Answers that a client has whole, and that were not repeats. */
  readonly acknowledged: number;
  /** Each contradiction between a client and the books, in words. */
  readonly faults: readonly string[];
}

/**
 * Judges ledger and history by what the clients saw. Whatever was killed in between: an answer that a client has is
 * charged once, for what it was told, and recorded as answered; an error that it got costs nothing and is what the record
 * says; nothing is charged twice; the record says what the ledger says.
 */
export async function judge(db: Database<unknown>, seen: readonly ClientView[]): Promise<Judgement> {
  const views = seen.filter(({ id }) => id !== 0n);
  const rows = await db.query<Known>(known, [views.map(({ id }) => id)]);
  const byId = new Map(rows.map((row) => [row.request_id, row]));
  const faults: string[] = [];
  for (const view of views) {
    const books = byId.get(view.id);
    if (books === undefined) throw new Error(`no row for ${view.id}`);
    for (const fault of faultsOf(view, books)) faults.push(`${view.id}: ${fault} (${told(view, books)})`);
  }
  return {
    judged: views.length,
    acknowledged: views.filter(({ whole, replayed }) => whole && !replayed).length,
    faults,
  };
}

function* faultsOf(view: ClientView, books: Known): Generator<string> {
  const { whole, replayed, errorCode, status, outputTokens } = view;
  if (books.charges > 1) yield "charged twice";
  // While billing is away nobody knows whose a request is, so its refusal has no record.
  if (books.status === null) {
    if (status === 200 || books.charges > 0) yield "no record";
  } else if (books.billed !== books.charged) yield "the record's charge is not the ledger's";
  if (replayed) {
    if (books.charges > 0) yield "a replay was charged";
    if (books.status !== 4) yield "a replay is not recorded as answered";
  } else if (whole) {
    if (books.charges !== 1) yield "a whole answer was not charged";
    if (books.status !== 4 || books.http_status !== 200) yield "a whole answer is not recorded as one";
    if (outputTokens >= 0n && books.charged_tokens !== outputTokens) yield "charged for other tokens than it was told";
  } else if (status !== 200) {
    if (books.charges > 0) yield "an error was charged";
    if (books.status === 4) yield "an error is recorded as an answer";
    if (errorCode !== "" && books.status === 5 && books.error_code !== errorCode)
      yield "the record has another error than the client";
  } else if (errorCode !== "" && books.status !== 5)
    yield "an answer that broke off with an error is recorded as whole";
}

function told(view: ClientView, books: Known): string {
  return JSON.stringify({ view, books }, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
