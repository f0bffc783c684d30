import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, sqlStateOf } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { LedgerKind, UsageBy } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  reserve,
  settle,
  startReplica,
  type TestBilling,
} from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let owner: Database<unknown>;
let service: Database<unknown>;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  const common = { url: postgres.url, schema: "billing", applicationName: "test", log: silentLog };
  owner = createDatabase(common);
  service = createDatabase({ ...common, role: "throughline_billing" });
});
afterAll(async () => {
  await Promise.all([owner.close(), service.close(), billing.stop()]);
  await postgres.stop();
});

async function request(payer: Payer, tokens: bigint, facts: { model?: string; group?: string } = {}): Promise<bigint> {
  const id = nextRequestId();
  await reserve(billing.client, payer, tokens, id);
  await settle(billing.client, payer, tokens, id, {
    facts: { keyId: payer.keyId, module: Module.CHAT, model: "model", ...facts },
  });
  return id;
}

const run = (db: Database<unknown>, text: string) => db.kysely.executeQuery(CompiledQuery.raw(text));

describe("the ledger is append-only", () => {
  const changes = [
    "update billing.ledger set amount = amount - 1",
    "delete from billing.ledger",
    "truncate billing.ledger",
    "truncate billing.ledger_default",
    "delete from billing.ledger_default",
    "update billing.ledger set created_at = now() where false or kind = 1",
  ];

  test.each(changes)("for the service: %s", async (change) => {
    await request(await createPayer(billing.client), 1n);
    await expect(run(service, change)).rejects.toSatisfy((error) => sqlStateOf(error) === "42501");
  });

  test.each(changes.filter((change) => change !== "delete from billing.ledger_default"))(
    "for its owner too: %s",
    async (change) => {
      await request(await createPayer(billing.client), 1n);
      await expect(run(owner, change)).rejects.toSatisfy((error) => sqlStateOf(error) === "23001");
    },
  );

  test("also in a partition of another month", async () => {
    await run(owner, "select billing.ensure_ledger_partitions(1893456000000, 1893456000000)");
    const { rows } = await run(
      owner,
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'billing.ledger'::regclass",
    );
    for (const { name } of rows as { name: string }[]) {
      await expect(run(owner, `truncate ${name}`)).rejects.toSatisfy((error) => sqlStateOf(error) === "23001");
    }
    expect(rows.length).toBeGreaterThan(4);
  });
});

describe("credit", () => {
  test("is entered once a reference, also when sent many times at once", async () => {
    const { client } = billing;
    const { accountId } = await createPayer(client, { creditNanoUsd: 0n });
    const credit = { accountId, amountNanoUsd: 50n, actor: "ann", reason: "paid", reference: "invoice 1" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.addCredit(credit, options)));
    expect(new Set(answers.map(({ entry }) => entry?.entryId)).size).toBe(1);
    expect(answers.every(({ balanceNanoUsd }) => balanceNanoUsd === 50n)).toBe(true);
    expect(await codeOf(client.addCredit({ ...credit, amountNanoUsd: 51n }, options))).toBe("invalid_value");
    const fixed = await client.addCredit(
      { accountId, amountNanoUsd: -20n, adjustment: true, actor: "bob", reason: "typo" },
      options,
    );
    expect(fixed).toMatchObject({
      balanceNanoUsd: 30n,
      entry: { kind: LedgerKind.ADJUSTMENT, actor: "bob", reason: "typo" },
    });
  });

  test.each([
    ["nothing", { amountNanoUsd: 0n }, "invalid_value"],
    ["a negative top-up", { amountNanoUsd: -1n }, "invalid_value"],
    ["more than there is money", { amountNanoUsd: 10n ** 18n + 1n }, "invalid_value"],
    ["an account that is not there", { accountId: 999_999n }, "not_found"],
  ])("refuses %s", async (_what, change, code) => {
    const { accountId } = await createPayer(billing.client);
    const credit = { accountId, amountNanoUsd: 1n, actor: "ann", reason: "paid", ...change };
    expect(await codeOf(billing.client.addCredit(credit, options))).toBe(code);
  });

  test("never adds up to more than fits", async () => {
    const { client } = billing;
    const { accountId } = await createPayer(client, { creditNanoUsd: 0n });
    const credit = { accountId, amountNanoUsd: 10n ** 18n, actor: "ann", reason: "paid" };
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) codes.push(await codeOf(client.addCredit(credit, options)));
    expect(codes).toEqual(["ok", "ok", "ok", "ok", "invalid_value", "invalid_value"]);
  });
});

describe("ListLedger", () => {
  test.each(["an account's", "all"] as const)("pages through %s entries, each once, newest first", async (whose) => {
    const { client } = billing;
    const payer = await createPayer(client);
    await Promise.all(Array.from({ length: 25 }, () => request(payer, 1n)));
    const accountId = whose === "all" ? 0n : payer.accountId;
    const seen: string[] = [];
    const amounts: bigint[] = [];
    for (let cursor = ""; ; ) {
      const page = await client.listLedger({ accountId, limit: 7, cursor }, options);
      expect(page.entries.length).toBeLessThanOrEqual(7);
      for (const entry of page.entries) seen.push(`${entry.entryId}/${entry.kind}`);
      amounts.push(...page.entries.map((entry) => entry.amountNanoUsd));
      cursor = page.nextCursor;
      if (cursor === "") break;
    }
    expect(new Set(seen).size).toBe(seen.length);
    if (whose !== "all") {
      expect(seen).toHaveLength(26);
      expect(amounts.at(-1)).toBe(1_000_000n);
    }
  });

  test("gives all entries of the IDs that are asked for, whatever the cursor and the limit, and others' to operators alone", async () => {
    const { client } = billing;
    const [payer, another] = [await createPayer(client), await createPayer(client)];
    const ids = [
      ...(await Promise.all([1n, 2n, 3n].map((tokens) => request(payer, tokens)))),
      await request(another, 4n),
    ];
    const asked = { entryIds: [...ids, 5n, 2n ** 64n - 1n], limit: 1, cursor: "x" };
    const idsOf = async (accountId: bigint) =>
      (await client.listLedger({ ...asked, accountId }, options)).entries.map(({ entryId, kind }) => [entryId, kind]);
    const sorted = (list: readonly bigint[]) => list.toSorted((a, b) => (a < b ? 1 : -1)).map((id) => [id, 1]);
    expect(await idsOf(payer.accountId)).toEqual(sorted(ids.slice(0, 3)));
    expect(await idsOf(0n)).toEqual(sorted(ids));
    const many = { entryIds: Array.from({ length: 1_001 }, (_, n) => BigInt(n)) };
    expect(await codeOf(client.listLedger(many, options))).toBe("invalid_value");
  });

  test("refuses a cursor that is not its own", async () => {
    const { client } = billing;
    const payer = await createPayer(client);
    await request(payer, 1n);
    const { nextCursor } = await client.listLedger({ limit: 1 }, options);
    for (const cursor of [nextCursor, "x", "ZS4xLjE", Buffer.from("a.9.99999999999999999999").toString("base64url")]) {
      expect(await codeOf(client.listLedger({ accountId: payer.accountId, cursor }, options))).toBe("invalid_value");
    }
  });
});

test("SumUsage sums by day, key, model and group", async () => {
  const { client } = billing;
  const payer = await createPayer(client, { account: { group: "bronze" } });
  await request(payer, 10n, { model: "a" });
  await request(payer, 20n, { model: "a", group: "gold" });
  await request(payer, 30n, { model: "b", group: "gold" });
  const { accountId } = payer;
  const now = Date.now();
  const span = { accountId, fromUnixMs: BigInt(now - 60_000), toUnixMs: BigInt(now + 60_000) };
  const sums = async (by: UsageBy) =>
    (await client.sumUsage({ ...span, by }, options)).sums.map(
      (sum) => [sum.name, sum.requests, sum.chargedNanoUsd, sum.usage?.outputTokens] as const,
    );
  expect(await sums(UsageBy.MODEL)).toEqual([
    ["a", 2n, 30n, 30n],
    ["b", 1n, 30n, 30n],
  ]);
  expect(await sums(UsageBy.GROUP)).toEqual([
    ["gold", 2n, 50n, 50n],
    ["bronze", 1n, 10n, 10n],
  ]);
  expect(await sums(UsageBy.KEY)).toEqual([[payer.keyId.toString(), 3n, 60n, 60n]]);
  expect(await sums(UsageBy.DAY)).toEqual([[new Date().toISOString().slice(0, 10), 3n, 60n, 60n]]);
  const earlier = { ...span, fromUnixMs: BigInt(now - 120_000), toUnixMs: BigInt(now - 60_000) };
  expect((await client.sumUsage(earlier, options)).sums).toEqual([]);
  expect(await codeOf(client.sumUsage({ ...span, toUnixMs: span.fromUnixMs }, options))).toBe("invalid_value");
});

describe("Audit", () => {
  test("finds each kind of damage, and nothing before it", async () => {
    await using fresh = await testPostgres();
    await using damaged = await startReplica(fresh.url);
    const { client } = damaged;
    const payer = await createPayer(client, { key: { limits: { concurrentRequests: 100 } } });
    const [a, b, c] = [nextRequestId(), nextRequestId(), nextRequestId()];
    await Promise.all([a, b, c].map((id) => reserve(client, payer, 10n, id)));
    await Promise.all([a, b].map((id) => settle(client, payer, 10n, id)));
    expect(await auditLines(client)).toEqual([]);

    const vandal = createDatabase<unknown>({
      url: fresh.url,
      schema: "billing",
      applicationName: "test",
      log: silentLog,
    });
    const damage: [string, string][] = [
      [
        "every balance is the sum",
        `update billing.account set balance = balance + 1 where account_id = ${payer.accountId}`,
      ],
      ["every key with a budget", `update billing.key set reserved = 3`],
      [
        "numbered without a gap",
        `insert into billing.ledger select 1, account_id, seq, amount, reserved, balance_after, created_at,
         key_id, tariff_id, kind, estimated, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
         reasoning_tokens, images, audio_ms, characters, reason from billing.ledger where entry_id = ${a}`,
      ],
      ["holds what its open reservations hold", `update billing.account set open_count = 7`],
      [
        "ended at most once",
        `insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
         estimated, reason) values (${b}, ${payer.accountId}, 9, 0, 0, 0, now(), 2, false, 'again')`,
      ],
      ["past its life", `update billing.reservation set expires_at = now() - interval '1 hour'`],
      [
        "by a key of its account",
        `insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
         estimated, reason, key_id) values (2, ${payer.accountId}, 10, 0, 0, 0, now(), 1, false, 'usage', 999)`,
      ],
      [
        "usage at its prices",
        `insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
         estimated, reason, key_id, tariff_id, output_tokens) select 3, account_id, 11, -9, 0, 0, now(), 1, false, 'usage', key_id,
         tariff_id, 10 from billing.ledger where entry_id = ${a}`,
      ],
      [
        "every list price is",
        `insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
         estimated, reason, key_id, tariff_id, list_price) select 6, account_id, 12, 0, 0, 0, now(), 1, false, 'usage', key_id,
         tariff_id, 7 from billing.ledger where entry_id = ${a}`,
      ],
      [
        "reference was entered once",
        `insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind,
         estimated, reason, reference) values (4, 1, 1, 1, 0, 0, now(), 3, false, 'r', 'x'), (5, 1, 2, 1, 0, 0, now(), 3, false, 'r', 'x')`,
      ],
    ];
    for (const [name, sql] of damage) {
      const before = (await auditLines(client)).filter((line) => line.includes(name));
      await run(vandal, sql);
      const after = (await auditLines(client)).filter((line) => line.includes(name));
      expect(after.length, name).toBeGreaterThan(before.length);
    }
    await vandal.close();
  });
});
