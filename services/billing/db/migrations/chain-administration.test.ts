import { CompiledQuery } from "kysely";
import { expect, test } from "vitest";
import { createDatabase, migrate } from "../../../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../../../shared/db/testing.ts";
import { startReplica } from "../../testing.ts";
import { migrations } from "./index.ts";

test("events of before are numbered and chained when a folder is brought up to date, and the chain goes on", async () => {
  await using postgres = await testPostgres();
  const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0012"));
  await migrate(postgres.url, { schema: "billing", role: "throughline_billing", migrations: before, log: silentLog });
  const old = createDatabase({ url: postgres.url, schema: "billing", applicationName: "old", log: silentLog });
  for (const procedure of ["keys.create", "keys.revoke"]) {
    await old.kysely.executeQuery(
      CompiledQuery.raw(`insert into billing.administration (request_id, call, procedure, actor_key_id, actor, actor_account_id,
        address, target, values_json, outcome) values (1, 0, '${procedure}', 7, 'x', 1, '', '5', '', 'done')`),
    );
  }
  await old.close();
  await using billing = await startReplica(postgres.url);
  const options = { timeoutMs: 60_000 };
  const event = { procedure: "keys.update", actorKeyId: 7n, actor: "x", actorAccountId: 1n, target: "5" };
  await billing.client.recordAdministration({ event }, options);
  const { events } = await billing.client.listAdministration({}, options);
  expect(events.map(({ number, procedure }) => [number, procedure])).toEqual([
    [3n, "keys.update"],
    [2n, "keys.revoke"],
    [1n, "keys.create"],
  ]);
  const { checks } = await billing.client.audit({}, options);
  expect(checks.flatMap(({ offending }) => offending)).toEqual([]);
});
