import { expect, test } from "vitest";
import { createDatabase, migrate, statement } from "../../../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../../../shared/db/testing.ts";
import { migrations } from "./index.ts";

const schema = "billing";
const role = "throughline_billing";
const add = statement(
  "test_account",
  "insert into billing.account (name, group_name, created_with) values ($1, 'default', '')",
);
const operators = statement("test_operators", "select name from billing.account where operator order by account_id");

test.each([
  ["as it was made", ["default", "tenant"], ["default"]],
  ["renamed, and made again by the next start", ["company", "tenant", "default"], ["company", "default"]],
  ["none", [], []],
])("of accounts from before there were operators the first is one: %s", async (_case, names, expected) => {
  await using postgres = await testPostgres();
  const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0013"));
  await migrate(postgres.url, { schema, role, migrations: before, log: silentLog });
  const options = { url: postgres.url, schema, role, applicationName: "test", log: silentLog };
  const db = createDatabase<unknown>(options);
  for (const name of names) await db.query(add, [name]);
  await migrate(postgres.url, { schema, role, migrations, log: silentLog });
  expect((await db.query<{ name: string }>(operators, [])).map(({ name }) => name)).toEqual(expected);
  await db.close();
});
