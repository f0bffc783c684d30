import { expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { testPostgres } from "../../../shared/db/testing.ts";
import { createLog } from "../../../shared/log.ts";
import { parseCredentialKeys } from "../../../shared/sealed-credential.ts";
import { openDatabase } from "../db/open.ts";
import { insertEndpoint, readEndpoint, rotateSecret } from "./db/endpoints.ts";
import { createSecret } from "./domain/signature.ts";
import { createSecrets, resealSecrets } from "./secrets.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const log = createLog({ service: "jobs", level: "silent" });
const rows = statement("test_rows", "select e::text as row from jobs.webhook_endpoint e");

test("secrets stand sealed, for their account alone, and are sealed anew after a rotation of the key", async () => {
  await using undo = new AsyncDisposableStack();
  const postgres = undo.use(await testPostgres());
  const db = await openDatabase({ url: postgres.url, maxConnections: 2, migrate: true, log });
  undo.defer(() => db.close());
  const old = createSecrets(parseCredentialKeys(key(1)));
  const [first, second] = [createSecret(), createSecret()];
  const address = { url: "https://a.example/", receiver: "7 https://a.example", events: ["*"], description: "" };
  const made = { ...address, accountId: 7n, enabled: true, platform: false, secret: old.seal(7n, first) };
  const endpointId = (await insertEndpoint(db, made, 1))?.endpoint_id ?? 0n;
  expect(await insertEndpoint(db, made, 1)).toBeUndefined();
  await rotateSecret(db, endpointId, old.seal(7n, second), 60_000);

  const [{ row } = { row: "" }] = await db.query<{ row: string }>(rows, []);
  for (const secret of [first, second]) {
    expect(row).not.toContain(secret.slice(6));
    expect(row).not.toContain(Buffer.from(secret).toString("hex"));
  }
  await resealSecrets(db, parseCredentialKeys(`2:${key(2)},1:${key(1)}`), log);
  const renewed = createSecrets(parseCredentialKeys(`2:${key(2)}`));
  const stored = await readEndpoint(db, endpointId, 7n);
  if (stored === undefined || stored.previous_secret === null) throw new Error("it is gone");
  expect([renewed.open(7n, stored.secret), renewed.open(7n, stored.previous_secret)]).toEqual([second, first]);
  expect(() => renewed.open(8n, stored.secret)).toThrow(/belongs to another/);
  // A secret that cannot be opened stays: the next key may open it.
  await resealSecrets(db, parseCredentialKeys(`3:${key(3)}`), log);
  expect((await readEndpoint(db, endpointId, 7n))?.secret).toEqual(stored.secret);
});

test("without a key nothing is kept", () => {
  expect(() => createSecrets(undefined).seal(7n, createSecret())).toThrow(/no CREDENTIAL_KEY/);
});
