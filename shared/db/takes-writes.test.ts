import { expect, test } from "vitest";
import { createDatabase, takesWrites } from "./index.ts";
import { silentLog, testPostgres } from "./testing.ts";

test.for([
  { said: "off", ready: true },
  { said: "on", ready: false },
])("a database whose transactions are read-only ($said) is ready: $ready", async ({ said, ready }) => {
  await using postgres = await testPostgres();
  const db = createDatabase<unknown>({
    ...{ url: postgres.url, schema: "public", applicationName: "takes-writes", log: silentLog },
    settings: { default_transaction_read_only: said },
  });
  expect(await takesWrites(db)).toBe(ready);
  await db.close();
});
