import fc from "fast-check";
import { sql } from "kysely";
import type { Database } from "../../shared/db/index.ts";
import { testPostgres } from "../../shared/db/testing.ts";
import { auditLedger } from "./db/audit.ts";
import { openDatabase } from "./db/open.ts";
import type { BillingSchema } from "./db/schema.ts";
import { foldUsage } from "./db/usage-fold.ts";
import { pepper, silent } from "./testing.ts";

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** Four months, two of them whole, with a leap day. */
export const ledgerStartMs = Date.UTC(2028, 0, 20);
export const ledgerEndMs = Date.UTC(2028, 4, 3);

/** An entry of an account's ledger; those of one account are numbered in the order of this list. */
export interface Entry {
  readonly account: number;
  readonly atMs: number;
  readonly key: number;
  readonly tariff: number;
  readonly kind: "charge" | "release" | "late" | "topup";
  readonly amount: number;
  /** Whom the request named, and whose the key was. */
  readonly user: string | null;
  readonly ofKey: string | null;
  readonly tags: readonly string[];
}

/** Any entry of the four months. */
export const entry: fc.Arbitrary<Entry> = fc.record({
  account: fc.nat({ max: 2 }),
  // Any order: as of a clock that jumps.
  atMs: fc.integer({ min: ledgerStartMs, max: ledgerEndMs }),
  key: fc.nat({ max: 3 }),
  tariff: fc.nat({ max: 5 }),
  kind: fc.constantFrom("charge", "charge", "charge", "release", "late", "topup"),
  amount: fc.nat({ max: 1_000 }),
  user: fc.constantFrom(null, "ann", "*", "(other)"),
  ofKey: fc.constantFrom(null, "ann", "=bob"),
  tags: fc.subarray(["a", "*", "=", "team: ü"]),
});
/** Entries in the order of time. */
export const inOrder = (entries: readonly Entry[]): Entry[] => entries.toSorted((a, b) => a.atMs - b.atMs);

/** A ledger of three accounts and five tariffs in a database of its own. */
export interface TestLedger extends AsyncDisposable {
  readonly db: Database<BillingSchema>;
  readonly accounts: readonly bigint[];
  /** Enters them as Settle would, at the times that they say. */
  enter(entries: readonly Entry[]): Promise<void>;
  /** Adds all entries to the sums, a portion of so many after the other. */
  foldAll(portionSize?: number): Promise<void>;
}

/** Starts a ledger without entries. */
export async function startTestLedger(): Promise<TestLedger> {
  const postgres = await testPostgres();
  const config = { databaseUrl: postgres.url, databasePoolSize: 4, migrate: true, keyPepper: pepper };
  const db = await openDatabase(config as Parameters<typeof openDatabase>[0], silent);
  const { rows } = await sql<{ account_id: bigint }>`
    insert into billing.account (name, group_name, created_with)
    select 'account ' || i, 'group ' || i % 2, '' from generate_series(1, 3) i returning account_id`.execute(db.kysely);
  const accounts = rows.map((row) => row.account_id);
  const made = await sql<{ tariff_id: number }>`
    insert into billing.tariff (hash, module, model, dialect, group_name, channel, platform, strategy, price_source,
      input_price, cached_input_price, cache_write_price, output_price, reasoning_price, image_price, audio_second_price,
      character_price, request_price, group_ratio_ppm)
    select sha256(i::text::bytea), case when i = 2 then 'image' else 'chat' end, 'model ' || i % 3, '', case when i % 2 = 0 then '' else 'own' end, 'channel ' || i % 2, '', '', 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 1000000 from generate_series(1, 5) i returning tariff_id`.execute(db.kysely);
  const tariffs = made.rows.map((row) => row.tariff_id);
  let entryIds = 0n;

  async function enter(entries: readonly Entry[]): Promise<void> {
    for (const { account, atMs, key, tariff, kind, amount, user, ofKey, tags } of entries) {
      entryIds += 1n;
      const accountId = accounts[account];
      const release = kind === "late" ? [{ number: 2, charge: 0, reason: "expired" }] : [];
      const number = { charge: 1, release: 2, late: 1, topup: 3 }[kind];
      const charge = kind === "release" ? 0 : kind === "topup" ? -amount - 1 : amount;
      for (const [i, each] of [...release, { number, charge, reason: kind }].entries()) {
        // A late charge comes an hour after its release.
        const at = new Date(atMs + i * hourMs);
        await sql`
          with a as (update billing.account set ledger_seq = ledger_seq + 1, balance = balance - ${each.charge}
                     where account_id = ${accountId} returning ledger_seq, balance)
          insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, tariff_id,
            kind, estimated, input_tokens, characters, reason, more, list_price, end_user, user_id, tags)
          select ${entryIds}, ${accountId}, ledger_seq, ${-each.charge}, 0, balance, ${at}, ${key || null}, ${tariffs[tariff] ?? null},
            ${each.number}, ${amount % 7 === 0}, ${each.charge}, ${amount % 3 || null}, ${each.reason},
            ${furtherOf(amount)}::jsonb, ${listOf(amount)}::bigint, ${user}, ${ofKey},
            ${tags.length === 0 ? null : JSON.stringify(tags)}::jsonb from a`.execute(db.kysely);
      }
    }
  }

  return {
    ...{ db, accounts, enter },
    async foldAll(portionSize = 1_000) {
      while (await foldUsage(db, portionSize));
    },
    async [Symbol.asyncDispose]() {
      await db.close();
      await postgres.stop();
    },
  };
}

/** What the audit says of the sums of usage, looking at so many entries at a time. */
export async function auditOfSums(db: Parameters<typeof auditLedger>[0], portionSize = 50_000) {
  const checks = await auditLedger(db, portionSize);
  return checks.find(({ name }) => name.startsWith("the sums of usage"));
}

/** Further units of some entries. */
function furtherOf(amount: number): string | null {
  if (amount % 4 > 1) return null;
  return JSON.stringify({ searches: amount + 1, ...(amount % 4 === 0 ? { pages: 10 ** 15 } : {}) });
}

/** List prices of some entries. */
const listOf = (amount: number): number | null => (amount % 5 === 0 ? null : amount * 2);
