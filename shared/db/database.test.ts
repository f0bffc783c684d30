import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ThroughlineError } from "../errors/error.ts";
import { createDatabase, type Database, type DatabaseOptions } from "./database.ts";
import { constraintOf, sqlStateOf, sqlStates } from "./faults.ts";
import { statement } from "./statement.ts";
import { startTcpProxy } from "./tcp-proxy.fixture.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

interface Schema {
  item: { id: bigint; name: string };
}

let postgres: TestPostgres;
const opened: Database<Schema>[] = [];

function open(options: Partial<DatabaseOptions> = {}): Database<Schema> {
  const db = createDatabase<Schema>({
    url: postgres.url,
    schema: "public",
    applicationName: "test",
    log: silentLog,
    maxConnections: 4,
    ...options,
  });
  opened.push(db);
  return db;
}

beforeAll(async () => {
  postgres = await testPostgres();
  const db = open();
  await sql`create table item (id bigint primary key, name text not null)`.execute(db.kysely);
});
afterAll(async () => {
  await Promise.all(opened.map((db) => db.close()));
  await postgres.stop();
});

const insert = statement("insert", "insert into item values ($1, $2)");
const remove = statement("remove", "delete from item where id = $1");
const names = statement("names", "select name from item where id = any($1::bigint[]) order by id");
const backend = statement("backend", "select pg_backend_pid() as pid", { idempotent: true });
const sleep = statement("sleep", "select pg_sleep($1::float8)::text as slept");
const kill = statement("kill", "select pg_terminate_backend($1)");

async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function expectUnavailable(error: unknown): void {
  expect(error).toBeInstanceOf(ThroughlineError);
  expect((error as ThroughlineError).code).toBe("service_unavailable");
}

describe("query", () => {
  test("gives BIGINT as bigint, NUMERIC and DATE as text, BYTEA as Buffer, TIMESTAMPTZ as Date", async () => {
    const values = statement(
      "values",
      `select 9223372036854775807 as i8, 0.10::numeric as n, date '2026-02-28' as d, '\\x00ff'::bytea as b,
              timestamptz '2025-04-28T02:27:08.523+00' as t, '{1,NULL,-9223372036854775808}'::bigint[] as i8s,
              '{0.1,NULL}'::numeric[] as ns, '{}'::bigint[] as none, '{"a":[1]}'::jsonb as j`,
    );
    expect(await open().query(values, [])).toEqual([
      {
        i8: 9223372036854775807n,
        n: "0.10",
        d: "2026-02-28",
        b: Buffer.from([0, 255]),
        t: new Date("2025-04-28T02:27:08.523Z"),
        i8s: [1n, null, -9223372036854775808n],
        ns: ["0.1", null],
        none: [],
        j: { a: [1] },
      },
    ]);
  });

  test("prepares a statement once per connection", async () => {
    const db = open({ maxConnections: 1 });
    for (const id of [1n, 2n, 3n]) await db.query(names, [[id]]);
    const prepared = statement(
      "prepared",
      "select name, (generic_plans + custom_plans)::int as runs from pg_prepared_statements",
    );
    expect(await db.query(prepared, [])).toContainEqual({ name: "names", runs: 3 });
  });

  test("counts the statements it sends", async () => {
    const db = open();
    await db.query(backend, []);
    await db.transaction((trx) => trx.query(backend, []));
    expect(db.statements).toBe(4);
  });

  test("passes an SQL error on as it is and keeps the connection", async () => {
    const db = open({ maxConnections: 1 });
    const before = await db.query(backend, []);
    await db.query(insert, [10n, "ten"]);
    const error = await faultOf(db.query(insert, [10n, "ten again"]));
    expect(sqlStateOf(error)).toBe(sqlStates.uniqueViolation);
    expect(constraintOf(error)).toBe("item_pkey");
    expect(await db.query(backend, [])).toEqual(before);
  });

  test("is not harmed by a value that cannot be encoded", async () => {
    const db = open({ maxConnections: 1 });
    const echo = statement("echo", "select $1::jsonb as v");
    expect(await faultOf(db.query(echo, [{ id: 1n }]))).toBeInstanceOf(TypeError);
    expect(await db.query(echo, [{ id: 1 }])).toEqual([{ v: { id: 1 } }]);
  });

  test("survives a change of the shape of its result", async () => {
    const db = open({ maxConnections: 1 });
    await sql`create table shape (id bigint)`.execute(db.kysely);
    const all = statement("shape", "select * from shape");
    await db.query(all, []);
    await sql`alter table shape add column name text`.execute(db.kysely);
    expect(await db.query(all, [])).toEqual([]);
  });

  test("gives up after the statement's time limit", async () => {
    const db = open({ statementTimeoutMs: 50 });
    const error = await faultOf(db.query(sleep, [10]));
    expectUnavailable(error);
    expect(sqlStateOf(error)).toBe(sqlStates.queryCanceled);
  });

  test("gives up waiting for a lock", async () => {
    const db = open({ lockTimeoutMs: 50 });
    await db.query(insert, [20n, "locked"]);
    await db.transaction(async (trx) => {
      await trx.query(remove, [20n]);
      const error = await faultOf(db.query(remove, [20n]));
      expectUnavailable(error);
      expect(sqlStateOf(error)).toBe(sqlStates.lockNotAvailable);
    });
  });

  test("waits for a free connection, up to its limit", async () => {
    const db = open({ maxConnections: 1, acquireTimeoutMs: 60 });
    const [slow, queued] = [db.query(sleep, [0.02]), db.query(backend, [])];
    expect(await queued).toHaveLength(1);
    await slow;
    await db.session(async () => expectUnavailable(await faultOf(db.query(backend, []))));
  });
});

describe("a connection that breaks", () => {
  test("while idle is replaced unnoticed", async () => {
    const db = open({ maxConnections: 1 });
    const [row] = await db.query<{ pid: number }>(backend, []);
    await open().query(kill, [row?.pid]);
    const [after] = await db.query<{ pid: number }>(backend, []);
    expect(after?.pid).not.toBe(row?.pid);
  });

  test("under a statement fails it, since its outcome is unknown; the next one is well again", async () => {
    const db = open({ maxConnections: 1 });
    const [row] = await db.query<{ pid: number }>(backend, []);
    const running = faultOf(db.query(sleep, [10]));
    await open().query(kill, [row?.pid]);
    expectUnavailable(await running);
    expect(await db.query(backend, [])).toHaveLength(1);
  });

  test("under an idempotent statement has it sent once more", async () => {
    const db = open({ maxConnections: 1 });
    // Sleeps only in the session that is killed.
    const sleepOnce = statement(
      "sleep once",
      "select case when pg_backend_pid() = $1 then pg_sleep(10)::text else 'awake' end as state",
      { idempotent: true },
    );
    const [row] = await db.query<{ pid: number }>(backend, []);
    const running = db.query(sleepOnce, [row?.pid]);
    await open().query(kill, [row?.pid]);
    expect(await running).toEqual([{ state: "awake" }]);
  });

  test("with its server away: statements wait for the server's return, up to their limit", async () => {
    const proxy = await startTcpProxy(postgres.url);
    try {
      const [db, hasty] = [open({ url: proxy.url }), open({ url: proxy.url, acquireTimeoutMs: 50 })];
      await db.query(backend, []);
      proxy.cut();
      const waiting = db.query(backend, []);
      expectUnavailable(await faultOf(hasty.query(backend, [])));
      proxy.mend();
      expect(await waiting).toHaveLength(1);
      expect(await db.kysely.selectFrom("item").select("id").where("id", "=", -1n).execute()).toEqual([]);
    } finally {
      await proxy.close();
    }
  });

  test("with all connections of the server taken: statements wait for one, up to their limit", async () => {
    const url = new URL(postgres.url);
    url.username = `full_${url.pathname.slice(1)}`;
    url.password = "secret";
    await sql.raw(`create role "${url.username}" login password 'secret' connection limit 1`).execute(open().kysely);
    const [holder, db, hasty] = [
      open({ url: url.href }),
      open({ url: url.href }),
      open({ url: url.href, acquireTimeoutMs: 50 }),
    ];
    await holder.query(backend, []);
    const waiting = db.query(backend, []);
    const refused = await faultOf(hasty.query(backend, []));
    expect(refused).toMatchObject({ code: "service_unavailable" });
    expect(sqlStateOf(refused)).toBe("53300");
    await holder.close();
    expect(await waiting).toHaveLength(1);
    await db.close();
  });

  test("gives up a connection that is dead without a word", async () => {
    const proxy = await startTcpProxy(postgres.url);
    const db = open({ url: proxy.url, answerLimitMs: 100 });
    try {
      await db.query(backend, []);
      proxy.swallow();
      expectUnavailable(await faultOf(db.query(insert, [90n, "unheard"])));
      await db.close();
    } finally {
      await proxy.close();
    }
  });

  test("never shows the address or password of the server", async () => {
    const url = new URL(postgres.url);
    url.password = "wrong-password";
    const error = await faultOf(open({ url: url.href, acquireTimeoutMs: 50 }).query(backend, []));
    expectUnavailable(error);
    expect(String(error)).not.toMatch(/wrong-password|127\.0\.0\.1/);
  });
});

describe("transaction", () => {
  test("commits what it did, or nothing when it throws", async () => {
    const db = open();
    await db.transaction(async (trx) => {
      await trx.query(insert, [30n, "kept"]);
      await trx.kysely.insertInto("item").values({ id: 31n, name: "kept too" }).execute();
    });
    const failing = db.transaction(async (trx) => {
      await trx.query(insert, [32n, "undone"]);
      throw new ThroughlineError("not_found", "No such thing.");
    });
    await expect(failing).rejects.toMatchObject({ code: "not_found" });
    expect(await db.query(names, [[30n, 31n, 32n]])).toEqual([{ name: "kept" }, { name: "kept too" }]);
  });

  test("does not pass for committed when an error in it was swallowed", async () => {
    const db = open();
    const result = db.transaction(async (trx) => {
      await trx.query(insert, [33n, "undone"]);
      await faultOf(trx.query(insert, [33n, "twice"]));
    });
    await expect(result).rejects.toMatchObject({ code: "internal_error" });
    expect(await db.query(names, [[33n]])).toEqual([]);
  });

  test("runs anew after a serialization failure", async () => {
    const db = open();
    await db.query(insert, [40n, "0"]);
    const both = Promise.withResolvers<void>();
    let reads = 0;
    let runs = 0;
    const increment = (): Promise<void> =>
      db.transaction(
        async (trx) => {
          runs += 1;
          const [row] = await trx.query<{ name: string }>(names, [[40n]]);
          if (++reads === 2) both.resolve();
          await both.promise;
          const set = statement("set", "update item set name = $2 where id = $1");
          await trx.query(set, [40n, String(Number(row?.name) + 1)]);
        },
        { isolation: "serializable" },
      );
    await Promise.all([increment(), increment()]);
    expect(runs).toBe(3);
    expect(await db.query(names, [[40n]])).toEqual([{ name: "2" }]);
  });

  test("runs anew after a deadlock", async () => {
    const db = open({ settings: { deadlock_timeout: "10ms" } });
    await db.query(insert, [50n, "a"]);
    await db.query(insert, [51n, "b"]);
    const both = Promise.withResolvers<void>();
    let firsts = 0;
    const touch = statement("touch", "update item set name = name || '.' where id = $1");
    const crosswise = (first: bigint, second: bigint): Promise<void> =>
      db.transaction(async (trx) => {
        await trx.query(touch, [first]);
        if (++firsts === 2) both.resolve();
        await both.promise;
        await trx.query(touch, [second]);
      });
    await Promise.all([crosswise(50n, 51n), crosswise(51n, 50n)]);
    expect(await db.query(names, [[50n, 51n]])).toEqual([{ name: "a.." }, { name: "b.." }]);
  });
});

test("the query builder has transactions of its own, and counts its statements", async () => {
  const db = open({ maxConnections: 1 });
  const failing = db.kysely.transaction().execute(async (trx) => {
    await trx.insertInto("item").values({ id: 80n, name: "undone" }).execute();
    await trx.insertInto("item").values({ id: 80n, name: "twice" }).execute();
  });
  expect(sqlStateOf(await faultOf(failing))).toBe(sqlStates.uniqueViolation);
  expect(db.statements).toBe(4);
  expect(await db.query(names, [[80n]])).toEqual([]);
});

describe("copyIn", () => {
  test("copies pieces cut anywhere and gives the number of rows", async () => {
    const db = open();
    async function* pieces(): AsyncGenerator<Buffer> {
      yield Buffer.from("60\tsix");
      yield Buffer.from("ty\n61\tsixty-one\n");
    }
    expect(await db.copyIn("item (id, name)", pieces())).toBe(2);
    expect(await db.copyIn("item", Buffer.from("62,sixty-two\n"), { format: "csv" })).toBe(1);
    expect(await db.query(names, [[60n, 61n, 62n]])).toEqual([
      { name: "sixty" },
      { name: "sixty-one" },
      { name: "sixty-two" },
    ]);
  });

  test("keeps nothing when the source or the server fails, and the connection stays of use", async () => {
    const db = open({ maxConnections: 1 });
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from("70\tseventy\n");
      throw new Error("the source broke");
    }
    await expect(db.copyIn("item (id, name)", failing())).rejects.toThrow("the source broke");
    const duplicate = await faultOf(db.copyIn("item", Buffer.from("71\ta\n71\tb\n")));
    expect(sqlStateOf(duplicate)).toBe(sqlStates.uniqueViolation);
    expect(await db.query(names, [[70n, 71n]])).toEqual([]);
  });
});

describe("close", () => {
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

  test("waits for what runs and refuses what comes after", async () => {
    const db = open();
    const running = db.query(sleep, [0.05]);
    await db.query(backend, []);
    await db.close();
    expect(await running).toHaveLength(1);
    expectUnavailable(await faultOf(db.query(backend, [])));
  });

  test("resolves only when the idle connections are closed too", async () => {
    const before = sockets();
    const db = open();
    await Promise.all([db.query(backend, []), db.query(backend, [])]);
    expect(sockets()).toBe(before + 2);
    await db.close();
    expect(sockets()).toBe(before);
  });
});
