import { expect, test } from "vitest";
import { testPostgres } from "../../../shared/db/testing.ts";
import { KeyKind } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { pepper, startReplica } from "../testing.ts";
import { openDatabase } from "./open.ts";

const other = "another pepper for the tests";
const options = { timeoutMs: 5_000 };

test("a pepper that is not the one of the stored keys is refused, whoever starts and however often", async () => {
  await using database = await testPostgres();
  // Replicas that start together agree on one.
  const starts = await Promise.allSettled(
    [pepper, pepper, pepper].map((keyPepper) => startReplica(database.url, { keyPepper })),
  );
  for (const start of starts) if (start.status === "fulfilled") await start.value.stop();
  expect(starts.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
  for (let time = 0; time < 2; time++) {
    await expect(startReplica(database.url, { keyPepper: other })).rejects.toMatchObject({
      variable: "KEY_PEPPER",
      message: expect.stringMatching(/restore the file from a backup.*KEY_PEPPER_RESET=true/),
    });
  }
  await using again = await startReplica(database.url);
  expect((await again.client.listKeys({}, options)).keys).toEqual([]);
});

test("of two peppers that start together one is refused", async () => {
  await using database = await testPostgres();
  const starts = await Promise.allSettled(
    [pepper, other].map((keyPepper) => startReplica(database.url, { keyPepper })),
  );
  for (const start of starts) if (start.status === "fulfilled") await start.value.stop();
  expect(starts.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
});

test("a lost pepper can be given up: the new one holds from then on, and the old one is the wrong one", async () => {
  await using database = await testPostgres();
  await (await startReplica(database.url)).stop();
  await (await startReplica(database.url, { keyPepper: other, keyPepperReset: true })).stop();
  await expect(startReplica(database.url)).rejects.toMatchObject({ variable: "KEY_PEPPER" });
  await using again = await startReplica(database.url, { keyPepper: other });
  const { account } = await again.client.createAccount({ account: { name: "a", group: "default" } }, options);
  const key = { accountId: account?.accountId ?? 0n, name: "k", kind: KeyKind.API, scopes: ["*"] };
  expect((await again.client.createKey({ key }, options)).secret).not.toBe("");
});

test("what is stored does not tell the pepper", async () => {
  await using database = await testPostgres();
  await using replica = await startReplica(database.url);
  const db = await openDatabase(replica.config, { info() {}, warn() {}, error() {} } as never);
  const rows = await db.kysely.selectFrom("pepper_check").selectAll().execute();
  await db.close();
  expect(rows).toEqual([{ one: true, digest: expect.any(Buffer), made_at: expect.any(Date) }]);
  expect(rows[0]?.digest).toHaveLength(32);
  expect(rows[0]?.digest.includes(Buffer.from(pepper))).toBe(false);
});
