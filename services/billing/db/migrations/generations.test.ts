import { expect, test } from "vitest";
import { createDatabase, migrate, statement } from "../../../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../../../shared/db/testing.ts";
import { migrations } from "./index.ts";

const role = "throughline_billing";
const schema = "billing";

const addAccount = statement(
  "test_account",
  "insert into billing.account (name, group_name, created_with) values ('a', 'default', '') returning account_id",
);
const addKey = statement(
  "test_key",
  `insert into billing.key (account_id, name, kind, prefix, user_id, scopes, allowed_models, allowed_cidrs, group_name, created_with)
   values ($1, $2, 1, '', '', '{*}', '{}', '{}', '', '') returning key_id`,
);
/** `$3`: minutes until it ends, null for never; `$4`: minutes since it was made. */
const addSecret = statement(
  "test_secret",
  `insert into billing.key_secret (key_id, hash, valid_until, created_at)
   values ($1, sha256($2::text::bytea), now() + $3::integer * interval '1 minute', now() - $4::integer * interval '1 minute')`,
);
const numbered = statement(
  "test_numbered",
  `select k.name, k.generation as newest,
     array_agg(s.generation order by s.valid_until desc nulls first, s.created_at desc) as generations
   from billing.key k join billing.key_secret s using (key_id) group by k.key_id order by k.name`,
);

test("secrets from before there were generations are numbered, the one without an end as the newest", async () => {
  const postgres = await testPostgres();
  const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0007"));
  await migrate(postgres.url, { schema, role, migrations: before, log: silentLog });
  const db = createDatabase<unknown>({ url: postgres.url, schema, role, applicationName: "test", log: silentLog });
  const [account] = await db.query<{ account_id: bigint }>(addAccount, []);
  const secrets = {
    "never rotated": [[null, 90]],
    "within overlaps": [
      [30, 90],
      [60, 60],
      [null, 30],
    ],
    // By a clock that stepped back, the newest secret seems to be the older one.
    "out of order": [
      [null, 90],
      [-20, 60],
    ],
  };
  for (const [name, of] of Object.entries(secrets)) {
    const [key] = await db.query<{ key_id: bigint }>(addKey, [account?.account_id, name]);
    for (const [i, [ends, made]] of of.entries()) await db.query(addSecret, [key?.key_id, `${name} ${i}`, ends, made]);
  }
  await db.close();

  await migrate(postgres.url, { schema, role, migrations, log: silentLog });
  const after = createDatabase<unknown>({ url: postgres.url, schema, role, applicationName: "test", log: silentLog });
  expect(await after.query(numbered, [])).toEqual([
    { name: "never rotated", newest: 1, generations: [1] },
    { name: "out of order", newest: 2, generations: [2, 1] },
    { name: "within overlaps", newest: 3, generations: [3, 2, 1] },
  ]);
  await after.close();
  await postgres.stop();
});
