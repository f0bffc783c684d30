import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { KeyKind, SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createLog } from "../../shared/log.ts";
import { secretDigest } from "./domain/secret.ts";
import { codeOf, createPayer, nextRequestId, pepper, reserve, settle, startReplica } from "./testing.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

test("secrets, their digests and the pepper are in no log line and no error, whatever goes wrong", async () => {
  const options = { timeoutMs: 10_000 };
  const said: string[] = [];
  const log = createLog({ service: "billing", level: "trace", destination: { write: (line) => said.push(line) } });
  const secrets: string[] = ["a-secret-that-was-brought-along"];
  const keep = async (call: Promise<unknown>): Promise<void> => {
    await call.catch((error: Error) => said.push(String(error), JSON.stringify(error), error.stack ?? ""));
  };
  {
    await using billing = await startReplica(postgres.url, { reservationTtlMs: 1_000, sweepIntervalMs: 50 }, { log });
    const { client } = billing;
    const payer = await createPayer(client, { creditNanoUsd: 10n });
    secrets.push(payer.secret);
    const given = { key: { accountId: payer.accountId, kind: KeyKind.API, name: "given" }, secret: secrets[0] ?? "" };
    await client.createKey(given, options);
    await keep(client.createKey({ ...given, key: { ...given.key, name: "other" } }, options));
    await keep(client.createKey({ ...given, secret: `${secrets[0]} \n` }, options));
    const id = nextRequestId();
    await reserve(client, payer, 5n, id);
    await keep(reserve(client, payer, 50n));
    await keep(settle(client, payer, 1n, id, { case: SettleCase.UNSPECIFIED }));
    const { secret } = await client.rotateKey({ keyId: payer.keyId }, options);
    secrets.push(secret);
    for (const each of [...secrets, "tl-unknown"]) {
      await keep(client.authenticate.call({ secretSha256: secretDigest(each) }, options));
    }
    await client.revokeKey({ keyId: payer.keyId }, options);
    await keep(client.authenticate.call({ secretSha256: secretDigest(secret) }, options));
    expect(await codeOf(reserve(client, payer, 1n))).toBe("revoked_api_key");
  }
  const all = said.join("\n");
  expect(said.length).toBeGreaterThan(10);
  const forbidden = [
    pepper,
    ...secrets,
    ...secrets.flatMap((secret) => ["hex", "base64"].map((form) => secretDigest(secret).toString(form as "hex"))),
  ];
  for (const text of forbidden) expect(all).not.toContain(text);
});
