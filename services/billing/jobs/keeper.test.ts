import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Database, statement } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { createLog } from "../../../shared/log.ts";
import { expireKeys, rollAnswers } from "../db/answers.ts";
import { openDatabase } from "../db/open.ts";
import type { BillingSchema } from "../db/schema.ts";
import {
  codeOf,
  createPayer,
  nextRequestId,
  reserve,
  settle,
  silent,
  startReplica,
  type TestBilling,
} from "../testing.ts";
import { bound } from "./keeper.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let service: Database<BillingSchema>;
let owner: Database<unknown>;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  service = await openDatabase(billing.config, silent);
  owner = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await Promise.all([service.close(), owner.close(), billing.stop()]);
  await postgres.stop();
});

const partitions = statement(
  "test_partitions",
  `select c.relname as name, substr(c.relname, 9)::integer - billing.day_of(now()) as day
   from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'billing.answer'::regclass order by 1`,
);
const keyDays = statement(
  "test_key_days",
  "select billing.day_of(created_at) - billing.day_of(now()) as day from billing.idempotency order by 1",
);
const age = (sql: string) => owner.kysely.executeQuery(CompiledQuery.raw(sql));

test("an answer and its Idempotency-Key live for a day; then the key is free and the answer's partition is dropped", async () => {
  const { client } = billing;
  const payer = await createPayer(client);
  const keyed = { idempotencyKey: "k", idempotencyDigest: new Uint8Array(32) };
  const first = nextRequestId();
  await reserve(client, payer, 1n, first, keyed);
  await settle(client, payer, 1n, first);
  await client.storeAnswer({ requestId: first, httpStatus: 200, contentType: "text/plain" }, options);
  const replayed = await reserve(client, payer, 1n, nextRequestId(), keyed);
  expect(replayed.replayRequestId).toBe(first);
  expect(await expireKeys(service, 10)).toBe(0);

  await age("create table billing.answer_d1 partition of billing.answer for values in (1)");
  await age(`update billing.answer set day = 1, created_at = now() - interval '25 hours'`);
  await age("update billing.idempotency set created_at = now() - interval '25 hours'");
  expect(await codeOf(client.getAnswer({ requestId: first, accountId: payer.accountId }, options))).toBe("not_found");
  const anew = await reserve(client, payer, 1n, nextRequestId(), {
    ...keyed,
    idempotencyDigest: new Uint8Array(32).fill(1),
  });
  expect(anew).toMatchObject({ replayRequestId: 0n, reservedNanoUsd: 1n });

  await age("update billing.idempotency set created_at = now() - interval '26 hours'");
  expect(await expireKeys(service, 10)).toBe(1);
  await Promise.all([rollAnswers(service), rollAnswers(service)]);
  const left = await owner.query<{ day: number }>(partitions, []);
  expect(left.map(({ day }) => day)).toEqual([0, 1, 2]);
});

test("the ledger has partitions ahead of time, and a clock astray does not keep it from having more", async () => {
  const { client } = billing;
  const payer = await createPayer(client);
  const inTenYears = (BigInt(Date.now() + 3_653 * 86_400_000 - 1_562_889_600_000) << 22n) | 1n;
  await reserve(client, payer, 1n, inTenYears);
  await settle(client, payer, 1n, inTenYears);
  const ensure = statement("test_ensure", "select billing.ensure_ledger_partitions($1::bigint, $2::bigint) as made");
  const now = Date.now();
  const [made] = await service.query<{ made: number }>(ensure, [now, now + 3_700 * 86_400_000]);
  expect(made?.made).toBeGreaterThan(110);
  const [again] = await service.query<{ made: number }>(ensure, [now, now + 3_700 * 86_400_000]);
  expect(again?.made).toBe(0);
  const { entries } = await client.listLedger({ entryId: inTenYears }, options);
  expect(entries).toHaveLength(1);
});

test("keys of more than one day go by PostgreSQL's clock, a day after that was announced, and by no wrong clock", async () => {
  const log = createLog({ service: "billing", level: "silent" });
  const days = async () => (await owner.query<{ day: number }>(keyDays, [])).map(({ day }) => day);
  await age("delete from billing.idempotency");
  await age(`insert into billing.idempotency (account_id, key_hash, digest, request_id, created_at, locked_until)
    select 1, sha256(d::text::bytea), '', 9000 + d, now() - d * interval '1 day', now() from generate_series(2, 6) d`);
  const before = await days();
  const pass = async (nowMs = Date.now) => {
    const { beforeMs } = await bound({ db: service, log, nowMs });
    await expireKeys(service, 100, beforeMs);
    return await days();
  };
  expect(await pass(() => Date.now() + 3 * 365 * 86_400_000)).toEqual(before);
  expect(await pass()).toEqual(before);
  const announced = (hours: number) =>
    age(`update billing.job set position = position - interval '${hours} hours',
      held_until = held_until - interval '${hours} hours' where name = 'retention'`);
  await announced(23);
  expect(await pass()).toEqual(before);
  await announced(1);
  expect(await pass()).toEqual(before.slice(1));
  expect(await pass()).toEqual(before.slice(1));
  await announced(1);
  expect(await pass()).toEqual(before.slice(2));
  for (let hour = 0; hour < 4; hour++) {
    await announced(1);
    await pass();
  }
  expect(await days()).toEqual([]);
  await pass();
  expect(
    await owner.query(statement("test_hold", "select 1 as one from billing.job where name = 'retention'"), []),
  ).toEqual([]);
});
