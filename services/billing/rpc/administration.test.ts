import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, sqlStateOf } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { codeOf, startReplica, type TestBilling } from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let owner: Database<unknown>;
let service: Database<unknown>;
const options = { timeoutMs: 10_000 };
const event = {
  requestId: 2n ** 63n + 5n,
  call: 0,
  procedure: "keys.revoke",
  actorKeyId: 7n,
  actor: "tl-cli-abcdef",
  actorAccountId: 1n,
  address: "192.0.2.1",
  target: "77",
  valuesJson: '{"key_id":"77"}',
};

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  const common = { url: postgres.url, schema: "billing", applicationName: "test", log: silentLog };
  owner = createDatabase(common);
  service = createDatabase({ ...common, role: "throughline_billing" });
  await billing.client.recordAdministration({ event }, options);
});
afterAll(async () => {
  await Promise.all([owner.close(), service.close(), billing.stop()]);
  await postgres.stop();
});

const run = (db: Database<unknown>, text: string) => db.kysely.executeQuery(CompiledQuery.raw(text));

describe("the trail of administration", () => {
  test("is read newest first, page by page, of one procedure, key or target", async () => {
    const { client } = billing;
    const { eventId } = await client.recordAdministration(
      { event: { ...event, valuesJson: "", outcome: "done" } },
      options,
    );
    await client.recordAdministration(
      { event: { ...event, procedure: "keys.create", actorKeyId: 8n, target: "x" } },
      options,
    );
    const first = await client.listAdministration({ limit: 2 }, options);
    expect(first.hasMore).toBe(true);
    expect(first.events).toMatchObject([{ procedure: "keys.create" }, { ...event, valuesJson: "", outcome: "done" }]);
    const second = await client.listAdministration({ limit: 2, beforeEventId: eventId }, options);
    expect(second).toMatchObject({ hasMore: false, events: [{ ...event, outcome: "" }] });
    const now = BigInt(Date.now());
    expect((await client.listAdministration({ actorAccountId: 2n }, options)).events).toEqual([]);
    expect((await client.listAdministration({ toUnixMs: now - 3_600_000n }, options)).events).toEqual([]);
    expect(
      (await client.listAdministration({ actorAccountId: 1n, fromUnixMs: now - 3_600_000n }, options)).events,
    ).toHaveLength(3);
    for (const filter of [{ procedure: "keys.create" }, { actorKeyId: 8n }, { target: "x" }]) {
      const { events } = await client.listAdministration(filter, options);
      expect(events.map(({ procedure }) => procedure)).toEqual(["keys.create"]);
    }
  });

  test.each([
    "update billing.administration set actor = 'nobody'",
    "delete from billing.administration",
    "truncate billing.administration",
  ])("is append-only: %s", async (change) => {
    await expect(run(service, change)).rejects.toSatisfy((error) => sqlStateOf(error) === "42501");
    await expect(run(owner, change)).rejects.toSatisfy((error) => sqlStateOf(error) === "23001");
  });

  test.each([
    ["no procedure", { procedure: "" }],
    ["a long address", { address: "a".repeat(501) }],
    ["long values", { valuesJson: "1".repeat(70_000) }],
    ["no actor", { actorKeyId: 0n, actor: "" }],
    ["long words of what was before", { beforeJson: "1".repeat(70_000) }],
  ])("takes no event with %s", async (_what, fields) => {
    const entered = billing.client.recordAdministration({ event: { ...event, ...fields } }, options);
    expect(await codeOf(entered)).toMatch(/invalid_value|missing_required_field/);
  });

  test("has what is entered once a single time, however many programs enter it together, and stays whole", async () => {
    const { client } = billing;
    const loaded = {
      procedure: "configuration.load",
      actor: "file a.yaml",
      target: "configuration 5 abc",
      outcome: "done",
    };
    const enter = (fields = {}) =>
      client.recordAdministration({ once: true, event: { ...loaded, ...fields } }, options);
    const entered = await Promise.all(Array.from({ length: 12 }, () => enter()));
    expect(new Set(entered.map(({ eventId }) => eventId)).size).toBe(1);
    expect(await enter()).toEqual(entered[0]);
    expect((await enter({ target: "configuration 6 def" })).eventId).not.toBe(entered[0]?.eventId);
    const { events } = await client.listAdministration({ procedure: "configuration.load" }, options);
    expect(events.map(({ target }) => target)).toEqual(["configuration 6 def", "configuration 5 abc"]);
    expect(await codeOf(enter({ target: "" }))).toBe("invalid_value");
  });

  test("takes events of the platform's own programs, which have no key", async () => {
    const byProgram = { ...event, actorKeyId: 0n, actorAccountId: 0n, actor: "init" };
    await billing.client.recordAdministration({ event: byProgram }, options);
    const { events } = await billing.client.listAdministration({ limit: 1 }, options);
    expect(events).toMatchObject([{ actor: "init", actorKeyId: 0n }]);
  });
});

describe("the chain of the trail", () => {
  const name = /trail of administration is numbered/;
  const found = async () => {
    const { checks } = await billing.client.audit({}, { timeoutMs: 60_000 });
    return checks.find((check) => name.test(check.name))?.offending;
  };

  test("holds however many events are entered at once, in programs of before too", async () => {
    const entered = Array.from({ length: 20 }, (_, call) =>
      billing.client.recordAdministration(
        { event: { ...event, call, beforeJson: '{"a":1}', afterJson: "{}" } },
        options,
      ),
    );
    await Promise.all(entered);
    await run(
      service,
      `insert into billing.administration (request_id, call, procedure, actor_key_id, actor, actor_account_id, address, target,
         values_json, outcome) values (1, 0, 'keys.revoke', 7, 'x', 1, '', '', '', 'done')`,
    );
    expect(await found()).toEqual([]);
    const { events } = await billing.client.listAdministration({ limit: 1_000 }, options);
    const numbers = events.map(({ number }) => number).toSorted((a, b) => Number(a - b));
    expect(numbers).toEqual(numbers.map((_, index) => BigInt(index) + 1n));
  });

  test("cannot be chosen by who enters an event, nor its end be moved", async () => {
    await run(
      service,
      `insert into billing.administration (request_id, call, procedure, actor_key_id, actor, actor_account_id, address, target,
         values_json, outcome, number, hash) values (1, 0, 'keys.revoke', 7, 'x', 1, '', '', '', 'done', 1, '\\x00')`,
    );
    expect(await found()).toEqual([]);
    const move = run(service, "update billing.administration_head set number = 0");
    await expect(move).rejects.toSatisfy((error) => sqlStateOf(error) === "42501");
  });

  test.each([
    ["altered", "update billing.administration set target = 'other' where number = 3", /number 3.*it was altered/],
    [
      "altered with its digest",
      "update billing.administration a set target = 'o', hash = sha256('x') where number = 3",
      /number 4.*does not follow/,
    ],
    ["taken out", "delete from billing.administration where number = 5", /number 6, should be 5/],
    [
      "taken from the end",
      "delete from billing.administration where number = (select max(number) from billing.administration)",
      /the trail ends with number/,
    ],
  ])("tells of an event that was %s in the database", async (_what, change, told) => {
    await run(owner, "create table billing.kept as select * from billing.administration");
    await run(owner, "alter table billing.administration disable trigger user");
    try {
      await run(owner, change);
      expect((await found())?.join("; ")).toMatch(told);
    } finally {
      await run(owner, "truncate billing.administration");
      await run(owner, "insert into billing.administration overriding system value select * from billing.kept");
      await run(owner, "alter table billing.administration enable trigger user");
      await run(owner, "drop table billing.kept");
    }
    expect(await found()).toEqual([]);
  });
});
