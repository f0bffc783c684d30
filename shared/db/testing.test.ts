import { expect, test } from "vitest";
import { createDatabase } from "./database.ts";
import { statement } from "./statement.ts";
import { silentLog, testPostgres } from "./testing.ts";

test("suites share one server, each with an empty database of its own, which stop removes", async () => {
  const [first, second] = await Promise.all([testPostgres(), testPostgres()]);
  const db = createDatabase({ url: first.url, schema: "public", applicationName: "test", log: silentLog });
  try {
    expect(new URL(first.url).host).toBe(new URL(second.url).host);
    const tables = statement(
      "tables",
      "select 1 from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    expect(await db.query(tables, [])).toEqual([]);
    const names = statement("names", "select 1 from pg_database where datname = $1");
    const name = new URL(second.url).pathname.slice(1);
    expect(await db.query(names, [name])).toHaveLength(1);
    await second.stop();
    expect(await db.query(names, [name])).toEqual([]);
  } finally {
    await db.close();
    await first.stop();
  }
});
