import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mostLabels } from "./domain/labels.ts";
import { auditOfSums, dayMs, startTestLedger, type TestLedger } from "./testing-ledger.ts";
import { sumAll } from "./testing-usage.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger?.[Symbol.asyncDispose]());

test("end users beyond those of an hour that are told apart are summed together, exactly and by the order of their entries", async () => {
  const [accountId = 0n] = ledger.accounts;
  const atMs = Date.UTC(2029, 0, 1);
  const most = mostLabels[1] ?? 0;
  const charged = async (step: "hour" | "day") => {
    const rows = await sumAll(ledger.db, { accountId, fromMs: atMs, toMs: atMs + dayMs, by: "user", step });
    return { names: rows.filter(({ other }) => !other), others: rows.filter(({ other }) => other) };
  };
  const many = async (first: number, count: number) => {
    await sql`
      with e as (select i from generate_series(${first}::integer, ${first + count - 1}::integer) i),
      l as (insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, key_id, kind, estimated,
              reason, end_user)
            select ${10n ** 15n}::bigint + i, ${accountId}, a.ledger_seq + i - ${first}::integer + 1, -1, 0,
              a.balance - (i - ${first}::integer + 1), ${new Date(atMs)}::timestamptz, null, 1, false, 'usage', 'user ' || i
            from e join billing.account a on a.account_id = ${accountId})
      update billing.account set ledger_seq = ledger_seq + ${count}::integer, balance = balance - ${count}::integer
      where account_id = ${accountId}`.execute(ledger.db.kysely);
    await ledger.foldAll(300);
  };
  await many(1, most + 50);
  const hour = await charged("hour");
  expect(hour.names).toHaveLength(most);
  expect(hour.names.map(({ name }) => Number(name.slice(5))).every((n) => n <= most)).toBe(true);
  expect(hour.others).toMatchObject([{ name: "", requests: 50n, charged: 50n }]);
  // A day tells more of them apart than an hour.
  expect((await charged("day")).names).toHaveLength(most + 50);
  // A label that has a place keeps it; a label that comes later gets none.
  await many(most + 51, 1);
  expect((await charged("hour")).others).toMatchObject([{ requests: 51n }]);
  expect((await auditOfSums(ledger.db))?.offending).toEqual([]);
});

test("a day and a month tell those apart that came first, and the audit knows which these are", async () => {
  const [, accountId = 0n] = ledger.accounts;
  const first = Date.UTC(2030, 0, 9);
  // 6,000 in the first hour of one day, and on the next one 5,000 that are new and 1,000 of the first.
  const days = [
    { atMs: first, from: 1, to: 6_000 },
    { atMs: first + dayMs, from: 5_001, to: 11_000 },
  ];
  for (const { atMs, from, to } of days) {
    await sql`
      with l as (insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind, estimated, reason, end_user)
        select ${10n ** 16n + BigInt(atMs)}::bigint * 10 + i, ${accountId}, a.ledger_seq + i - ${from}::integer + 1, -1, 0, 0,
          ${new Date(atMs)}::timestamptz, 1, false, 'usage', 'user ' || i
        from generate_series(${from}::integer, ${to}::integer) i join billing.account a on a.account_id = ${accountId})
      update billing.account set ledger_seq = ledger_seq + ${to - from + 1}::integer where account_id = ${accountId}`.execute(
      ledger.db.kysely,
    );
    await ledger.foldAll(20_000);
  }
  const charged = async (step: "day" | "month") => {
    const rows = await sumAll(ledger.db, {
      accountId,
      fromMs: Date.UTC(2030, 0, 1),
      toMs: Date.UTC(2030, 1, 1),
      by: "user",
      step,
    });
    return rows.filter(({ other }) => other).map(({ requests }) => requests);
  };
  expect(await charged("day")).toEqual([1_000n, 1_000n]);
  expect(await charged("month")).toEqual([1_000n]);
  expect((await auditOfSums(ledger.db))?.offending).toEqual([]);
  expect((await auditOfSums(ledger.db, 5_000))?.offending).toEqual([]);
  const undo = new Error("undone");
  const found = ledger.db.transaction(async (trx) => {
    await sql`set local role none`.execute(trx.kysely);
    // Another user of the same sums has the place of one who came first: only the order tells.
    await sql`update billing.label_sum set id = '=user 10999' where account_id = ${accountId} and span = 3 and id = '=user 1'`.execute(
      trx.kysely,
    );
    expect((await auditOfSums(trx))?.offending).not.toEqual([]);
    throw undo;
  });
  await expect(found).rejects.toBe(undo);
});
