import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, statement } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { secretDigest, storedHash } from "../domain/secret.ts";
import {
  auditLines,
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  pepper,
  reserve,
  settle,
  standing,
  startReplica,
  type TestBilling,
} from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let db: Database<unknown>;
const options = { timeoutMs: 10_000 };
const hourMs = 3_600_000n;

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  db = createDatabase({ url: postgres.url, schema: "billing", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  expect(await auditLines(billing.client)).toEqual([]);
  await Promise.all([billing.stop(), db.close()]);
  await postgres.stop();
});

const authenticate = (secret: string) =>
  billing.client.authenticate.call({ secretSha256: secretDigest(secret) }, options);

/** Reserves as a gateway does that authenticated the caller by a secret of this generation, now or some time ago. */
const reserveBy = (payer: Payer, secretGeneration: number, { client }: TestBilling = billing) =>
  reserve(client, payer, 1n, nextRequestId(), { secretGeneration });

const codesBy = (payer: Payer, generations: readonly number[]) =>
  Promise.all(generations.map((generation) => codeOf(reserveBy(payer, generation))));

async function rotate({ keyId }: Payer, overlapMs = 0n): Promise<string> {
  return (await billing.client.rotateKey({ keyId, overlapMs }, options)).secret;
}

const failureOf = (call: Promise<unknown>) => call.then(() => undefined, ThroughlineError.from);

describe("a secret that was rotated away", () => {
  test("is refused by Reserve on every replica as Authenticate refuses it, and holds nothing", async () => {
    await using other = await startReplica(postgres.url);
    const payer = await createPayer(billing.client, { key: { limits: { requestsPerMinute: 1 } } });
    const before = await authenticate(payer.secret);
    expect(before.secretGeneration).toBe(1);
    const secret = await rotate(payer);
    const refused = await failureOf(reserveBy(payer, before.secretGeneration, other));
    expect(refused).toMatchObject({ code: "revoked_api_key", message: expect.stringMatching(/use the new secret/) });
    const { code, message } = (await failureOf(authenticate(payer.secret))) ?? {};
    expect(refused).toMatchObject({ code, message });
    expect(await standing(billing.client, payer.accountId)).toMatchObject({ reserved: 0n });

    const after = await authenticate(secret);
    expect(after).toMatchObject({ keyId: payer.keyId, secretGeneration: 2 });
    // The one request of the minute is still there.
    expect(await codeOf(reserveBy(payer, after.secretGeneration, other))).toBe("ok");
  });

  test("is refused item by item of a batch, beside its successor, another key's and an old gateway's", async () => {
    const [payer, other] = await Promise.all([createPayer(billing.client), createPayer(billing.client)]);
    await rotate(payer);
    const codes = await Promise.all([codesBy(payer, [1, 2, 1, 0, 2]), codesBy(other, [1, 0, 2])]);
    const refused = "revoked_api_key";
    expect(codes).toEqual([
      [refused, "ok", refused, "ok", "ok"],
      ["ok", "ok", refused],
    ]);
    expect(await standing(billing.client, payer.accountId)).toMatchObject({ reserved: 3n });
  });

  test("works within its overlap and not a moment longer", async () => {
    const payer = await createPayer(billing.client);
    await rotate(payer, 300n);
    expect(await codesBy(payer, [1, 2, 1, 2])).toEqual(["ok", "ok", "ok", "ok"]);
    await delay(350);
    expect(await codesBy(payer, [1, 2])).toEqual(["revoked_api_key", "ok"]);
  });

  test("keeps what it reserved: a repeat is answered, and it is settled", async () => {
    const payer = await createPayer(billing.client);
    const requestId = nextRequestId();
    const item = { secretGeneration: 1 };
    await reserve(billing.client, payer, 7n, requestId, item);
    await rotate(payer);
    expect(await reserve(billing.client, payer, 7n, requestId, item)).toMatchObject({ reservedNanoUsd: 7n });
    expect(await settle(billing.client, payer, 5n, requestId)).toMatchObject({ billedNanoUsd: 5n, reason: "usage" });
  });
});

describe("a key that replaces its own secret", () => {
  const replace = ({ keyId, accountId }: Payer, own: string, more: object = {}) =>
    billing.client.rotateKey({ keyId, accountId, ownSecretSha256: secretDigest(own), ...more }, options);

  test("answers a repeat with the same secret, whatever its overlap, also many at once", async () => {
    const payer = await createPayer(billing.client);
    const once = { overlapMs: hourMs, idempotencyKey: "once" };
    const answers = await Promise.all([1, 2, 3, 4].map(() => replace(payer, payer.secret, once)));
    const [first] = answers;
    for (const answer of answers) expect(answer).toEqual(first);
    expect(await replace(payer, payer.secret, { ...once, overlapMs: 0n })).toEqual(first);
    expect(Number(first?.oldSecretsEndUnixMs) - Date.now()).toBeGreaterThan(3_500_000);
    expect(await codesBy(payer, [1, 2, 3])).toEqual(["ok", "ok", "revoked_api_key"]);
    expect(await authenticate(first?.secret ?? "")).toMatchObject({ keyId: payer.keyId, secretGeneration: 2 });
  });

  test("lets nobody who has an old secret take the key over", async () => {
    const payer = await createPayer(billing.client);
    const { secret } = await replace(payer, payer.secret, { overlapMs: hourMs, idempotencyKey: "mine" });
    for (const idempotencyKey of ["", "theirs"]) {
      expect(await codeOf(replace(payer, payer.secret, { idempotencyKey }))).toBe("permission_denied");
    }
    expect(await codesBy(payer, [1, 2])).toEqual(["ok", "ok"]);
    // Another key's secret, with the same words, makes another.
    const other = await createPayer(billing.client);
    const theirs = await replace(other, other.secret, { overlapMs: hourMs, idempotencyKey: "mine" });
    expect(theirs.secret).not.toBe(secret);
    expect(await codeOf(replace(payer, other.secret))).toBe("not_found");
    expect(await codeOf(replace({ ...payer, accountId: other.accountId }, payer.secret))).toBe("not_found");
  });

  test("ends the old one at once without an overlap, and never gives out again what has ended", async () => {
    const payer = await createPayer(billing.client);
    const { secret } = await replace(payer, payer.secret, { overlapMs: 0n });
    expect(await codeOf(replace(payer, payer.secret))).toBe("revoked_api_key");
    const again = { overlapMs: hourMs, idempotencyKey: "again" };
    await replace(payer, secret, again);
    // An administrator ends them all; the repeat would give a secret that no longer works.
    await rotate(payer, 0n);
    expect(await codeOf(replace(payer, secret, again))).toBe("revoked_api_key");
    await billing.client.revokeKey({ keyId: payer.keyId }, options);
    expect(await codeOf(replace(payer, secret, again))).toBe("revoked_api_key");
  });

  test("is told how it may be asked, and to wait after a hundred a day", async () => {
    const payer = await createPayer(billing.client);
    const wrong = [
      { overlapMs: 30n * 24n * hourMs + 1n },
      { ownSecretSha256: new Uint8Array(31) },
      { ownSecretSha256: new Uint8Array(), idempotencyKey: "x" },
      { idempotencyKey: "x".repeat(201) },
    ];
    for (const more of wrong) expect(await codeOf(replace(payer, payer.secret, more))).toBe("invalid_value");
    let { secret } = payer;
    for (let made = 1; made < 100; made++) secret = (await replace(payer, secret)).secret;
    const refused = await failureOf(replace(payer, secret));
    expect(refused).toMatchObject({ code: "rate_limit_exceeded" });
    expect(refused?.retryAfterMs).toBeGreaterThan(86_000_000);
    expect(await codeOf(authenticate(secret))).toBe("ok");
    // The bound of a key on its own rotations does not hold for its administrator.
    expect(await rotate(payer)).not.toBe("");
  });
});

test("of secrets that are rotated again and again Reserve takes those that Authenticate takes", async () => {
  const payer = await createPayer(billing.client);
  const secrets = [payer.secret];
  const generations = () => secrets.map((_, i) => i + 1);
  const expectBoth = async (codes: readonly string[]) => {
    expect(await Promise.all(secrets.map((secret) => codeOf(authenticate(secret))))).toEqual(codes);
    expect(await codesBy(payer, generations())).toEqual(codes);
  };
  for (const overlapMs of [hourMs, 2n * hourMs]) secrets.push(await rotate(payer, overlapMs));
  await expectBoth(["ok", "ok", "ok"]);
  secrets.push(await rotate(payer, 0n));
  await expectBoth(["revoked_api_key", "revoked_api_key", "revoked_api_key", "ok"]);
  for (let i = 0; i < 3; i++) secrets.push(await rotate(payer, hourMs));
  await expectBoth([...Array.from({ length: 3 }, () => "revoked_api_key"), "ok", "ok", "ok", "ok"]);
  expect((await Promise.all(secrets.slice(3).map(authenticate))).map((each) => each.secretGeneration)).toEqual([
    4, 5, 6, 7,
  ]);
});

test("a generation that never was is refused, and one that cannot be is not valid", async () => {
  const payer = await createPayer(billing.client);
  expect(await codesBy(payer, [2, 2 ** 31 - 1, 2 ** 31, 1])).toEqual([
    "revoked_api_key",
    "revoked_api_key",
    "invalid_value",
    "ok",
  ]);
});

test("a secret that is added to a key is numbered by the database", async () => {
  const endAll = statement(
    "test_end",
    "update billing.key_secret set valid_until = clock_timestamp() where key_id = $1",
  );
  const addSecret = statement(
    "test_add",
    "insert into billing.key_secret (key_id, hash, valid_until) values ($1, $2, null)",
  );
  const payer = await createPayer(billing.client);
  const secret = "a-secret-without-a-number";
  await db.query(endAll, [payer.keyId]);
  await db.query(addSecret, [payer.keyId, storedHash(pepper, secretDigest(secret))]);
  expect(await authenticate(secret)).toMatchObject({ keyId: payer.keyId, secretGeneration: 2 });
  expect(await codesBy(payer, [1, 2])).toEqual(["revoked_api_key", "ok"]);
});
