import * as fc from "fast-check";
import {
  bigintArray,
  booleanArray,
  byteaArray,
  integerArray,
  type Queryable,
  statement,
  textArray,
} from "../../shared/db/index.ts";
import { storedFacts } from "./db/columns.ts";
import { reserveAll } from "./db/reserve.ts";
import { nextRequestId } from "./testing.ts";

/** Sends a statement that only tests have. */
export function run<R extends object>(
  on: Pick<Queryable<unknown>, "query">,
  text: string,
  values: readonly unknown[] = [],
) {
  return on.query<R>(statement(`test ${text.length} ${text.slice(0, 40)}`, text), values);
}

/** Most of what is asked for is in order, so that batches are whole often enough. */
const mostly = <A, B>(usual: A, odd: fc.Arbitrary<B>) =>
  fc.oneof({ weight: 11, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
const limit = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 20, max: 200 }) },
);
const places = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
);
/** What an account and a key may do, of columns that both have. */
const owner = fc.record({
  places,
  day: limit,
  month: limit,
  spent: fc.integer({ min: 0, max: 30 }),
  recent: fc.boolean(),
});
/** Accounts that hold money, or hardly any, under limits or none. */
export const account = fc.record({
  owner,
  balance: fc.oneof(fc.constant(1_000_000), fc.integer({ min: -5, max: 150 })),
  floor: fc.integer({ min: -20, max: 0 }),
  state: mostly(1, fc.constant(2)),
});
/** Keys of three accounts, nearly all of which may do what is asked. */
export const key = fc.record({
  owner,
  of: fc.nat({ max: 2 }),
  kind: mostly(1, fc.constant(4)),
  ended: mostly("no", fc.constantFrom("revoked", "expired")),
  scopes: fc.oneof(mostly("{*}", fc.constant("{images}")), fc.constant("{chat}")),
  models: mostly("{}", fc.constant("{one}")),
});
/** Requests are named by their place among the IDs of the run, and each has its key, of whose account it nearly always is. */
const slot = fc.nat({ max: 5 });
const asked = fc.record({
  slot,
  otherKey: mostly(0, fc.nat({ max: 4 })),
  stranger: mostly(false, fc.constant(true)),
  generation: fc.oneof(fc.constant(1), mostly(0, fc.constant(2))),
  amount: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) }, { weight: 1, arbitrary: fc.constant(0) }),
  tariff: fc.oneof(fc.constantFrom(1, 2), mostly(1, fc.constant(9))),
  user: fc.constantFrom(null, "u"),
  job: mostly(false, fc.boolean()),
  idempotency: mostly(9, fc.nat({ max: 1 })),
});
const ending = fc.record({
  slot,
  otherKey: mostly(0, fc.nat({ max: 4 })),
  stranger: mostly(false, fc.constant(true)),
  kind: mostly<number, number>(1, fc.constant(2)),
  charge: fc.integer({ min: 0, max: 40 }),
  tariff: fc.constantFrom<(number | null)[]>(null, 1, 2),
  tokens: fc.constantFrom<(number | null)[]>(null, 7),
});
const distinct = <T extends { readonly slot: number }>(item: fc.Arbitrary<T>) =>
  fc.uniqueArray(item, { minLength: 2, maxLength: 6, selector: ({ slot: of }) => of });
const reservations = fc.record({ kind: fc.constant("reserve" as const), items: distinct(asked) });
/** What is done to one world, one after the other: a batch of reservations first. */
export const steps = fc
  .tuple(
    reservations,
    fc.array(
      fc.oneof(
        reservations,
        fc.record({ kind: fc.constant("settle" as const), items: distinct(ending) }),
        fc.record({ kind: fc.constant("sweep" as const), slots: fc.array(slot, { maxLength: 2 }) }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([first, others]) => [first, ...others]);

/** The rows that a step is about. */
export interface World {
  readonly accounts: readonly bigint[];
  readonly keys: readonly { readonly id: bigint; readonly account: bigint }[];
  readonly ids: readonly bigint[];
}

/** Makes accounts and their keys. */
export async function found(
  trx: Queryable<unknown>,
  accounts: readonly (typeof account extends fc.Arbitrary<infer A> ? A : never)[],
  keys: readonly (typeof key extends fc.Arbitrary<infer K> ? K : never)[],
): Promise<World> {
  const ownerColumns = "concurrent_requests, daily_budget, monthly_budget, day, day_spent, month, month_spent";
  const ownerValues = (at: number): string =>
    `$${at}::bigint, $${at + 1}::bigint, $${at + 2}::bigint, billing.day_of(now()) - $${at + 4}::integer, $${at + 3}::bigint,
     billing.month_of(now()) - $${at + 4}::integer, $${at + 3}::bigint`;
  const valuesOf = (of: (typeof accounts)[number]["owner"]) => [
    of.places,
    of.day,
    of.month,
    of.spent,
    of.recent ? 0 : 1,
  ];
  const accountIds: bigint[] = [];
  for (const one of accounts) {
    const [row] = await run<{ account_id: bigint }>(
      trx,
      `insert into billing.account (name, group_name, created_with, state, balance, credit_floor, ${ownerColumns})
       values (gen_random_uuid()::text, '', '', $1::smallint, $2::bigint, $3::bigint, ${ownerValues(4)}) returning account_id`,
      [one.state, one.balance, one.floor, ...valuesOf(one.owner)],
    );
    accountIds.push(row?.account_id ?? 0n);
  }
  const made: { id: bigint; account: bigint }[] = [];
  for (const one of keys) {
    const ofAccount = accountIds[one.of] ?? 0n;
    const tracked = one.owner.places + one.owner.day + one.owner.month > 0;
    const [row] = await run<{ key_id: bigint }>(
      trx,
      `insert into billing.key (account_id, name, prefix, user_id, allowed_cidrs, group_name, created_with, kind, scopes, allowed_models,
         revoked_at, expires_at, tracked, ${ownerColumns})
       values ($1::bigint, '', '', '', '{}', '', '', $2::smallint, $3::text[], $4::text[], case when $5::text = 'revoked' then now() end,
         case when $5::text = 'expired' then now() - interval '1 s' end, $6::boolean, ${ownerValues(7)}) returning key_id`,
      [ofAccount, one.kind, one.scopes, one.models, one.ended, tracked, ...valuesOf(one.owner)],
    );
    made.push({ id: row?.key_id ?? 0n, account: ofAccount });
  }
  return { accounts: accountIds, keys: made, ids: Array.from({ length: 6 }, nextRequestId) };
}

type Asked = typeof asked extends fc.Arbitrary<infer A> ? A : never;
type Ending = typeof ending extends fc.Arbitrary<infer E> ? E : never;

type Whose = Pick<Asked, "slot" | "otherKey" | "stranger">;

const keyOf = ({ keys }: World, { slot: of, otherKey }: Whose) => keys[(of + otherKey) % keys.length];
const accountOf = (world: World, item: Whose) => (item.stranger ? world.accounts[0] : keyOf(world, item)?.account);

/** Reserves by a function of the database: billing.reserve or billing.reserve_each. */
export async function reserve(
  trx: Queryable<unknown>,
  world: World,
  items: readonly Asked[],
  name: string,
): Promise<unknown> {
  const bytes = (fill: number): Buffer => Buffer.alloc(32, fill);
  const idempotent = items.some(({ idempotency }) => idempotency < 2);
  const [row] = await run<Record<string, unknown[] | null>>(
    trx,
    `select o_code, o_detail, o_held, o_reserved, o_expires_ms is null as plain from billing.${name}($1::bigint[], $2::bigint[], $3::bigint[],
       $4::integer[], $5::bigint[], $6::integer[], $7::text[], $8::bytea[], $9::bytea[], $10::boolean[], 60000)`,
    [
      bigintArray(items.map((item) => world.ids[item.slot])),
      bigintArray(items.map((item) => accountOf(world, item))),
      bigintArray(items.map((item) => keyOf(world, item)?.id)),
      integerArray(items.map((item) => item.generation)),
      bigintArray(items.map((item) => BigInt(item.amount))),
      integerArray(items.map((item) => item.tariff)),
      textArray(items.map((item) => item.user)),
      idempotent ? byteaArray(items.map((item, i) => (item.idempotency < 2 ? bytes(i) : null))) : null,
      idempotent ? byteaArray(items.map((item) => (item.idempotency < 2 ? bytes(9) : null))) : null,
      items.some(({ job }) => job) ? booleanArray(items.map(({ job }) => job)) : null,
    ],
  );
  return row;
}

/** Reserves as the service does, by a plain statement first. `eachOf` gives what billing.reserve_each says in the same form. */
export async function reserveAsService(
  trx: Queryable<unknown>,
  world: World,
  items: readonly Asked[],
): Promise<unknown> {
  const bytes = (fill: number): Buffer => Buffer.alloc(32, fill);
  const reserved = await reserveAll(
    trx,
    items.map((item, i) => ({
      requestId: world.ids[item.slot] ?? 0n,
      accountId: accountOf(world, item) ?? 0n,
      keyId: keyOf(world, item)?.id ?? 0n,
      secretGeneration: item.generation,
      amount: BigInt(item.amount),
      tariffId: item.tariff,
      userId: item.user ?? "",
      idempotency: item.idempotency < 2 ? { keyHash: bytes(i), digest: bytes(9) } : undefined,
      job: item.job,
    })),
    60_000,
  );
  return reserved.map(({ code, detail, held, amount }) => ({ code, detail, held, amount }));
}

/** What billing.reserve_each says, item by item. */
export function eachOf(items: readonly Asked[], said: unknown): unknown {
  const { o_code, o_detail, o_held, o_reserved } = said as Record<string, unknown[] | null>;
  return items.map(({ amount }, i) => ({
    code: o_code?.[i],
    detail: o_detail?.[i] ?? 0n,
    held: o_held?.[i] ?? false,
    amount: o_reserved?.[i] ?? BigInt(amount),
  }));
}

/** Settles by a function of the database: billing.settle or billing.settle_each. */
export async function settle(
  trx: Queryable<unknown>,
  world: World,
  items: readonly Ending[],
  name: string,
): Promise<unknown> {
  const types = ["bigint", "bigint", "integer", "bigint", "integer", "bigint", "text", "text", "text", "boolean"];
  const facts = storedFacts.map(({ column, type }) =>
    column === "input_tokens" ? "$11::bigint[]" : `null::${type}[]`,
  );
  const [row] = await run(
    trx,
    `select o_code, o_reserved, o_billed, o_reason from billing.${name}(${types.map((type, i) => `$${i + 1}::${type}[]`).join(", ")},
       ${facts.join(", ")}, null, 60000)`,
    [
      bigintArray(items.map((item) => world.ids[item.slot])),
      bigintArray(items.map((item) => accountOf(world, item))),
      integerArray(items.map((item) => item.kind)),
      bigintArray(items.map((item) => (item.kind === 1 ? BigInt(item.charge) : 0n))),
      integerArray(items.map((item) => item.tariff)),
      bigintArray(items.map((item) => keyOf(world, item)?.id)),
      textArray(items.map(() => "w")),
      textArray(items.map(() => "usage")),
      textArray(items.map(() => null)),
      booleanArray(items.map(() => false)),
      bigintArray(items.map((item) => (item.tokens === null ? null : BigInt(item.tokens)))),
    ],
  );
  return row;
}

/** All that the two functions of a pair may change, but for the clock. */
async function books(trx: Queryable<unknown>, { accounts, keys, ids }: World): Promise<unknown> {
  const [row] = await run(
    trx,
    `select (select jsonb_agg(to_jsonb(r) - 'expires_at' - 'created_at' order by r.request_id) from billing.reservation r
              where r.request_id = any ($3::bigint[])) as reservations,
       (select jsonb_agg(to_jsonb(a) order by a.account_id) from billing.account a where a.account_id = any ($1::bigint[])) as accounts,
       (select jsonb_agg(to_jsonb(k) order by k.key_id) from billing.key k where k.key_id = any ($2::bigint[])) as keys,
       (select jsonb_agg(to_jsonb(l) - 'created_at' order by l.account_id, l.seq) from billing.ledger l
         where l.account_id = any ($1::bigint[])) as ledger,
       (select jsonb_agg(jsonb_build_array(d.account_id, d.key_hash, d.request_id, d.answered, d.locked_until > d.created_at)
          order by d.account_id, d.key_hash) from billing.idempotency d where d.account_id = any ($1::bigint[])) as idempotency`,
    [bigintArray(accounts), bigintArray(keys.map(({ id }) => id)), bigintArray(ids)],
  );
  return row;
}

/** What `act` says and leaves, and then as if it had not been. */
export async function undone(trx: Queryable<unknown>, world: World, act: () => Promise<unknown>) {
  await run(trx, "savepoint before");
  const said = await act();
  const left = await books(trx, world);
  await run(trx, "rollback to before");
  return { said, left };
}
