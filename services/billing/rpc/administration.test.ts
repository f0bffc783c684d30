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
    ["no actor", { actorKeyId: 0n }],
  ])("takes no event with %s", async (_what, fields) => {
    const entered = billing.client.recordAdministration({ event: { ...event, ...fields } }, options);
    expect(await codeOf(entered)).toMatch(/invalid_value|missing_required_field/);
  });
});
