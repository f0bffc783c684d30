import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bigintArray, createDatabase, type Database, statement } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { auditLines, nextRequestId, type Payer, reserve, settle, startReplica, type TestBilling } from "./testing.ts";
import { createModel, type ReserveStep, type Said, type SettleStep, type Step, type Terms } from "./testing-model.ts";

let postgres: TestPostgres;
let replicas: TestBilling[];
let db: Database<unknown>;
const options = { timeoutMs: 15_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  replicas = await Promise.all([1, 2, 3].map(() => startReplica(postgres.url)));
  db = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await Promise.all([...replicas.map((replica) => replica.stop()), db.close()]);
  await postgres.stop();
});

const slots = 6;
const slot = fc.nat({ max: slots - 1 });
const amount = fc.nat({ max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("reserve" as const),
      items: fc.array(fc.record({ slot, amount, key: fc.nat({ max: 2 }), digest: fc.nat({ max: 1 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      items: fc.array(fc.record({ slot, amount, charges: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("expire" as const), slots: fc.uniqueArray(slot, { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("store" as const), slot, forget: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("credit" as const), amount: fc.integer({ min: 1, max: 50 }) }),
  },
);
const limit = (max: number) => fc.oneof(fc.constant(0), fc.integer({ min: 1, max }));
const terms: fc.Arbitrary<Terms> = fc.record({
  credit: fc.integer({ min: 1, max: 150 }),
  floor: fc.integer({ min: -50, max: 0 }),
  keyConcurrent: limit(3),
  accountConcurrent: limit(3),
  keyBudget: limit(150),
  accountBudget: limit(150),
});

// In one statement, for there are thousands of runs; what these calls do by themselves is tested elsewhere.
const found = statement(
  "test_found",
  `with a as (
     insert into billing.account (name, group_name, balance, ledger_seq, credit_floor, concurrent_requests, monthly_budget, created_with)
     select gen_random_uuid()::text, 'default', $1::bigint, 1, $2::bigint, $3::bigint, $4::bigint, '' returning account_id
   ), k as (
     insert into billing.key (account_id, name, kind, prefix, user_id, scopes, allowed_models, allowed_cidrs, group_name,
       tracked, concurrent_requests, daily_budget, created_with)
     select account_id, '', 1, '', '', '{*}', '{}', '{}', '', $5::bigint > 0 or $6::bigint > 0, $5::bigint, $6::bigint, '' from a
     returning key_id, account_id
   ), l as (
     insert into billing.ledger (entry_id, account_id, seq, amount, reserved, balance_after, created_at, kind, estimated, reason)
     select account_id, account_id, 1, $1::bigint, 0, $1::bigint, now(), 3, false, 'start' from a
   )
   select account_id, key_id from k`,
);

async function payerOf(of: Terms): Promise<Payer> {
  const { credit, floor, keyConcurrent, accountConcurrent, keyBudget, accountBudget } = of;
  const values = [credit, floor, accountConcurrent, accountBudget, keyConcurrent, keyBudget];
  const [row] = await db.query<{ account_id: bigint; key_id: bigint }>(found, values);
  if (row === undefined) throw new Error("no account");
  return { accountId: row.account_id, keyId: row.key_id, secret: "" };
}

function pick(i: number): TestBilling {
  const replica = replicas[i % replicas.length];
  if (replica === undefined) throw new Error("no replica");
  return replica;
}

const age = statement(
  "test_age",
  "update billing.reservation set expires_at = now() - interval '1 s' where request_id = any ($1::bigint[])",
);
const sweep = statement("test_sweep", "select billing.sweep(1000)");
const left = statement(
  "test_left",
  "select request_id from billing.reservation where request_id = any ($1::bigint[]) and expires_at < now()",
);
const state = statement(
  "test_state",
  `select balance, reserved, open_count, ledger_seq, (select sum(amount) from billing.ledger where account_id = $1)::bigint as entered,
     (select count(*) from billing.ledger where account_id = $1 and kind in (1, 2)) as endings,
     (select count(*) from billing.reservation where account_id = $1) as open,
     (select coalesce(sum(amount), 0) from billing.reservation where account_id = $1)::bigint as held
   from billing.account where account_id = $1::bigint`,
);

interface State {
  balance: bigint;
  reserved: bigint;
  open_count: bigint;
  ledger_seq: bigint;
  entered: bigint;
  endings: bigint;
  open: bigint;
  held: bigint;
}

async function stateOf({ accountId }: Payer): Promise<State> {
  const [row] = await db.query<State>(state, [accountId]);
  if (row === undefined) throw new Error("no account");
  return row;
}

/** Ages reservations and sweeps until they are released; those that are opened meanwhile stay. */
async function expire(ids: readonly bigint[]): Promise<void> {
  await db.query(age, [bigintArray(ids)]);
  do {
    await db.query(sweep, []);
  } while ((await db.query(left, [bigintArray(ids)])).length > 0);
}

async function saidOfReserve(
  replica: TestBilling,
  payer: Payer,
  ids: readonly bigint[],
  item: ReserveStep,
): Promise<Said> {
  const idempotency = { idempotencyKey: `key ${item.key}`, idempotencyDigest: new Uint8Array(32).fill(item.digest) };
  try {
    const made = await reserve(
      replica.client,
      payer,
      BigInt(item.amount),
      ids[item.slot],
      item.key === 0 ? {} : idempotency,
    );
    return made.replayRequestId === 0n ? `held ${made.reservedNanoUsd}` : `replay ${ids.indexOf(made.replayRequestId)}`;
  } catch (error) {
    const { code, httpStatus, retryAfterMs } = ThroughlineError.from(error);
    if (code !== "insufficient_quota") return code;
    return `${code} ${httpStatus}${retryAfterMs === 1_000 ? " held" : ""}`;
  }
}

async function saidOfSettle(
  replica: TestBilling,
  payer: Payer,
  ids: readonly bigint[],
  item: SettleStep,
): Promise<Said> {
  const settlement = await settle(replica.client, payer, BigInt(item.amount), ids[item.slot] ?? 0n, {
    case: item.charges ? SettleCase.SUCCEEDED : SettleCase.FAILED,
  });
  const { repeatedCall, reservedNanoUsd, billedNanoUsd, reason } = settlement;
  return `${repeatedCall ? "again" : "now"} ${reservedNanoUsd} ${billedNanoUsd} ${reason}`;
}

async function run(replica: TestBilling, payer: Payer, ids: readonly bigint[], next: Step): Promise<Said[]> {
  switch (next.kind) {
    case "reserve":
      return Promise.all(next.items.map((item) => saidOfReserve(replica, payer, ids, item)));
    case "settle":
      return Promise.all(next.items.map((item) => saidOfSettle(replica, payer, ids, item)));
    case "expire":
      await expire(next.slots.flatMap((each) => ids[each] ?? []));
      return [];
    case "store": {
      const answer = { requestId: ids[next.slot] ?? 0n, httpStatus: 200, contentType: "text/plain" };
      await replica.client.storeAnswer({ ...answer, forget: next.forget }, options);
      return [];
    }
    case "credit":
      await replica.client.addCredit(
        {
          accountId: payer.accountId,
          amountNanoUsd: BigInt(next.amount),
          actor: "test",
          reason: "more",
          reference: randomUUID(),
        },
        options,
      );
      return [];
  }
}

const lanes = 8;
/** How many walks each lane takes alone; half as many are interleaved. RUNS=200 by hand: each costs 4 ms of CPU. */
const runs = Number(process.env.RUNS ?? 60);

test("whatever happens in whatever order, billing says and does what the model does", { timeout: 60_000 }, async () => {
  // Side by side, so that batches hold several accounts' items.
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(
        fc.asyncProperty(terms, fc.array(step, { minLength: 1, maxLength: 8 }), async (of, steps) => {
          const payer = await payerOf(of);
          const model = createModel(of);
          const ids = Array.from({ length: slots }, nextRequestId);
          for (const [i, next] of steps.entries()) {
            expect(await run(pick(lane + i), payer, ids, next)).toEqual(model.take(next));
          }
          const after = await stateOf(payer);
          expect({ balance: after.balance, reserved: after.reserved }).toEqual(model.standing());
          expect(after).toMatchObject({
            open_count: BigInt(model.open().length),
            open: after.open_count,
            held: after.reserved,
            entered: after.balance,
            endings: BigInt(model.entries()),
          });
        }),
        { numRuns: runs, seed: 20_261_121 + lane },
      ),
    ),
  );
  expect(await auditLines(pick(0).client)).toEqual([]);
});

test("interleaved at random over three replicas, nothing is lost, doubled or promised twice", {
  timeout: 60_000,
}, async () => {
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(
        fc.asyncProperty(
          terms,
          fc.array(step, { minLength: 4, maxLength: 12 }),
          fc.infiniteStream(fc.nat({ max: 2 })),
          async (of, steps, replicaOf) => {
            const payer = await payerOf(of);
            const ids = Array.from({ length: slots }, nextRequestId);
            const said = await Promise.all(
              steps.map((next) => run(pick(replicaOf.next().value ?? 0), payer, ids, next)),
            );
            const after = await stateOf(payer);
            expect(after).toMatchObject({ open_count: after.open, reserved: after.held, balance: after.entered });
            // Every request was charged at most once, and what callers were told adds up to the balance.
            const topUps = steps.reduce((sum, next) => sum + (next.kind === "credit" ? next.amount : 0), of.credit);
            const sumNow = said
              .flat()
              .flatMap((line) => /^now \d+ (\d+)/.exec(line)?.[1] ?? [])
              .reduce((sum, digits) => sum + Number(digits), 0);
            expect(after.balance).toBe(BigInt(topUps - sumNow));
            if (of.accountConcurrent > 0) expect(after.open).toBeLessThanOrEqual(BigInt(of.accountConcurrent));
            if (of.keyConcurrent > 0) expect(after.open).toBeLessThanOrEqual(BigInt(of.keyConcurrent));
          },
        ),
        { numRuns: runs / 2, seed: 7_000 + lane },
      ),
    ),
  );
  expect(await auditLines(pick(0).client)).toEqual([]);
});
