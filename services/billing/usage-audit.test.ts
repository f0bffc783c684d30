import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditOfSums, entry, inOrder, startTestLedger, type TestLedger } from "./testing-ledger.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
  await ledger.enter(inOrder(fc.sample(entry, { numRuns: 300, seed: 5 })));
  await ledger.foldAll();
});
afterAll(() => ledger?.[Symbol.asyncDispose]());

test("sums that are those of the ledger are believed by the audit", async () => {
  expect(await auditOfSums(ledger.db)).toMatchObject({ offending: [] });
  expect((await auditOfSums(ledger.db))?.checked).toBeGreaterThan(100n);
});

const sums = ["0, 1", "0, 2", "1, 2", "1, 3", "2, 1", "2, 2", "2, 3"];
const labels = ["1, 1", "1, 2", "1, 3", "2, 1", "2, 2", "2, 3"];
const one = (table: string, row: string) =>
  `ctid = (select ctid from billing.${table} where ${row} order by account_id desc, starts limit 1)`;
const altered = "charged = charged + 1";
test.each([
  ...sums.map((of) => [
    `a sum (${of}) that was altered`,
    `update billing.usage_sum set ${altered} where ${one("usage_sum", `(detail, span) = (${of}) and account_id > 0`)}`,
  ]),
  ["a sum that is missing", `delete from billing.usage_sum where ${one("usage_sum", "(detail, span) = (1, 3)")}`],
  ...sums
    .filter((of) => !of.startsWith("1"))
    .map((of) => [
      `a sum (${of}) of all accounts`,
      `update billing.usage_sum set ${altered} where ${one("usage_sum", `(detail, span) = (${of}) and account_id = 0`)}`,
    ]),
  ...labels.flatMap((of) => [
    [
      `a label's sum (${of}) that was altered`,
      `update billing.label_sum set ${altered} where ${one("label_sum", `(kind, span) = (${of})`)}`,
    ],
    [
      `a label (${of}) that is not told apart`,
      `update billing.label_sum set id = '*' where ${one("label_sum", `(kind, span) = (${of}) and id like '=a%'`)}`,
    ],
  ]),
  ["a label's sum that is missing", `delete from billing.label_sum where ${one("label_sum", "(kind, span) = (2, 1)")}`],
  ["units that nobody used", "update billing.usage_sum set images = 1 where detail = 2 and span = 3"],
  ["units of a user that nobody used", "update billing.label_sum set audio_ms = -1 where kind = 1 and span = 1"],
  ["further units", `update billing.usage_sum set more = '{"searches": 1}' where detail = 0 and account_id > 0`],
  ["a list price", "update billing.label_sum set list_price = list_price + 1 where kind = 1 and span = 3"],
  ["an estimate", "update billing.usage_sum set estimated = not estimated where detail = 1"],
  [
    "an hour that has no entries",
    "insert into billing.usage_sum select account_id, detail, span, 24, id, requests, charged, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, images, audio_ms, characters, more, estimated from billing.usage_sum where detail = 0 and span = 1 limit 1",
  ],
  ["an account that has no entries", "update billing.label_sum set account_id = account_id + 1000 where kind = 2"],
  ["sums that are not kept", "update billing.usage_sum set detail = 7 where detail = 0 and span = 1"],
  ["labels that are not kept", "update billing.label_sum set kind = 7 where kind = 2"],
  ["a number beyond the ledger", "update billing.usage_fold set folded_seq = folded_seq + 1"],
  ["a number of labels beyond the ledger", "update billing.label_fold set folded_seq = folded_seq + 1"],
  ["a number before that of the last entry", "update billing.usage_fold set folded_seq = 1"],
  ["a number of labels before that of the last entry", "update billing.label_fold set folded_seq = 1"],
  ["an entry with another amount", "update billing.ledger set amount = amount - 1 where kind = 1 and seq < 5"],
  [
    "an entry of another month",
    "update billing.ledger set created_at = created_at - interval '40 days' where kind = 1 and seq < 5",
  ],
  ["an entry by another key", "update billing.ledger set key_id = 77 where kind = 1 and seq < 5"],
  ["an entry at another tariff", "update billing.ledger set tariff_id = 77 where kind = 1 and seq < 5"],
  ["an entry of another end user", "update billing.ledger set end_user = 'eve' where kind = 1 and seq < 5"],
  ["an entry with another tag", `update billing.ledger set tags = '["eve"]' where kind = 1 and seq < 5`],
  ["an entry with units that nobody used", "update billing.ledger set images = 1 where kind = 1 and seq < 5"],
  ["an entry that is missing", "delete from billing.ledger where kind = 1 and seq < 5"],
])("sums are not believed by the audit: %s", async (_name = "", damage = "") => {
  await ledger.foldAll();
  const undo = new Error("undone");
  const found = ledger.db.transaction(async (trx) => {
    await sql`set local role none`.execute(trx.kysely);
    await sql`set local session_replication_role = replica`.execute(trx.kysely);
    expect((await sql.raw(damage).execute(trx.kysely)).numAffectedRows).toBeGreaterThan(0n);
    expect((await auditOfSums(trx, 60))?.offending).not.toEqual([]);
    throw undo;
  });
  await expect(found).rejects.toBe(undo);
});
