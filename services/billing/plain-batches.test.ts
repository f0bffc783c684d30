import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bigintArray, createDatabase, type Database, migrate, type Queryable } from "../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { migrations } from "./db/migrations/index.ts";
import { verdicts } from "./domain/verdict.ts";
import {
  account,
  eachOf,
  found,
  key,
  reserve,
  reserveAsService,
  run,
  settle,
  steps,
  undone,
} from "./testing-batches.ts";

let postgres: TestPostgres;
let db: Database<unknown>;

beforeAll(async () => {
  postgres = await testPostgres();
  await migrate(postgres.url, { schema: "billing", role: "throughline_billing", migrations, log: silentLog });
  db = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
  await run(
    db,
    `insert into billing.tariff (hash, module, model, dialect, group_name, channel, platform, strategy, price_source, input_price,
       cached_input_price, cache_write_price, output_price, reasoning_price, image_price, audio_second_price, character_price,
       request_price, group_ratio_ppm)
     select sha256(m::bytea), 'chat', m, '', '', '', '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000000 from unnest('{one,other}'::text[]) m`,
  );
});

afterAll(async () => {
  await db.close();
  await postgres.stop();
});

const rollback = new Error("enough");
const inVain = (work: (trx: Queryable<unknown>) => Promise<void>): Promise<void> =>
  db
    .transaction(async (trx) => {
      await work(trx);
      throw rollback;
    })
    .catch((error: unknown) => {
      if (error !== rollback) throw error;
    });

const runs = Number(process.env.RUNS ?? 80);

test(
  "whatever a batch holds, it is judged and entered as the functions do that look at each item",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(account, { minLength: 3, maxLength: 3 }),
        fc.array(key, { minLength: 5, maxLength: 5 }),
        steps,
        (accounts, keys, all) =>
          inVain(async (trx) => {
            const world = await found(trx, accounts, keys);
            for (const next of all) {
              if (next.kind === "sweep") {
                await run(
                  trx,
                  "update billing.reservation set expires_at = now() - interval '1 s' where request_id = any ($1::bigint[])",
                  [bigintArray(next.slots.map((each) => world.ids[each]))],
                );
                await run(trx, "select billing.sweep(1000)");
                continue;
              }
              const act = (each: "" | "_each") => () =>
                next.kind === "reserve"
                  ? reserve(trx, world, next.items, `reserve${each}`)
                  : settle(trx, world, next.items, `settle${each}`);
              const each = await undone(trx, world, act("_each"));
              expect(await undone(trx, world, act(""))).toEqual(each);
              if (next.kind === "reserve") {
                const ofService = await undone(trx, world, () => reserveAsService(trx, world, next.items));
                expect(ofService).toEqual({ said: eachOf(next.items, each.said), left: each.left });
              }
              await act("")();
            }
          }),
      ),
      { numRuns: runs },
    );
  },
  Math.max(20_000, runs * 100),
);

test("a plain batch does without them", () =>
  inVain(async (trx) => {
    const none = { places: 0, day: 0, month: 0, spent: 0, recent: true };
    const world = await found(
      trx,
      Array.from({ length: 3 }, () => ({
        owner: { ...none, places: 9, day: 900 },
        balance: 1_000,
        floor: 0,
        state: 1,
      })),
      [0, 1, 2, 0, 1].map((of) => ({
        ...{ owner: { ...none, month: 900 }, of, kind: 1, ended: "no", scopes: "{*}", models: "{}" },
      })),
    );
    await run(
      trx,
      `do $$ declare v_name text; begin
         for v_name in select p.oid::regprocedure::text from pg_proc p
           where p.pronamespace = 'billing'::regnamespace and p.proname in ('reserve_each', 'settle_each')
         loop execute 'drop function ' || v_name; end loop;
       end $$`,
    );
    const items = [0, 1, 2, 3, 4].map((n) => ({
      ...{
        slot: n,
        otherKey: 0,
        stranger: false,
        generation: 1,
        amount: 10,
        tariff: 1,
        user: null,
        job: false,
        idempotency: 9,
      },
    }));
    const { said } = await undone(trx, world, () => reserveAsService(trx, world, items));
    expect(said).toEqual(items.map(() => ({ code: 0, detail: 0n, held: false, amount: 10n })));
    expect(await reserve(trx, world, items, "reserve")).toMatchObject({ o_code: [0, 0, 0, 0, 0] });
    const endings = items.map(({ slot: of }) => ({
      ...{ slot: of, otherKey: 0, stranger: false, kind: 1, charge: 7, tariff: 2, tokens: 3 },
    }));
    expect(await settle(trx, world, endings, "settle")).toMatchObject({
      o_code: [0, 0, 0, 0, 0],
      o_reserved: [10n, 10n, 10n, 10n, 10n],
    });
  }));

test("amounts whose sum goes beyond 64 bits are refused one by one", () =>
  inVain(async (trx) => {
    const owner = { places: 0, day: 0, month: 0, spent: 0, recent: true };
    const accounts = Array.from({ length: 3 }, () => ({ owner, balance: 1_000, floor: 0, state: 1 }));
    const keys = [{ owner, of: 0, kind: 1, ended: "no", scopes: "{*}", models: "{}" }];
    const world = await found(trx, accounts, keys);
    const item = { otherKey: 0, stranger: false, generation: 1, tariff: 1, user: null, job: false, idempotency: 9 };
    for (const count of [2, 3]) {
      const items = Array.from({ length: count }, (_, slot) => ({ ...item, slot, amount: 4e18 }));
      const each = await undone(trx, world, () => reserve(trx, world, items, "reserve_each"));
      const { said } = await undone(trx, world, () => reserveAsService(trx, world, items));
      expect(said).toEqual(eachOf(items, each.said));
      expect(each.said).toMatchObject({ o_code: items.map(() => verdicts.balance) });
    }
  }));

test.each([["reserved"], ["settled"]])("what was %s before is judged by itself, also beside what is new", (before) =>
  inVain(async (trx) => {
    const owner = { places: 0, day: 0, month: 0, spent: 0, recent: true };
    const accounts = Array.from({ length: 3 }, () => ({ owner, balance: 1_000, floor: 0, state: 1 }));
    const world = await found(trx, accounts, [{ owner, of: 0, kind: 1, ended: "no", scopes: "{*}", models: "{}" }]);
    const whose = { otherKey: 0, stranger: false };
    const item = { ...whose, generation: 1, amount: 10, tariff: 1, user: null, job: false, idempotency: 9 };
    const [first, ...others] = [0, 1, 2].map((slot) => ({ ...item, slot }));
    if (first === undefined) throw new Error("there are three");
    await reserveAsService(trx, world, [first, { ...item, slot: 3 }]);
    if (before === "settled") {
      await settle(trx, world, [{ ...whose, slot: 0, kind: 1, charge: 7, tariff: 1, tokens: 3 }], "settle");
    }
    const items = [first, ...others];
    const each = await undone(trx, world, () => reserve(trx, world, items, "reserve_each"));
    const ofService = await undone(trx, world, () => reserveAsService(trx, world, items));
    expect(ofService).toEqual({ said: eachOf(items, each.said), left: each.left });
  }),
);
