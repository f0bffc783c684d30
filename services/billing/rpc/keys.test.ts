import { setTimeout as delay } from "node:timers/promises";
import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase } from "../../../shared/db/index.ts";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { AccountState, KeyKind } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { secretDigest } from "../domain/secret.ts";
import { codeOf, createPayer, startReplica, type TestBilling } from "../testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
});
afterAll(async () => {
  await billing.stop();
  await postgres.stop();
});

const authenticate = (secret: string) =>
  billing.client.authenticate.call({ secretSha256: secretDigest(secret) }, options);

describe("Authenticate", () => {
  test("answers with all that the edge must know", async () => {
    const { accountId, keyId, secret } = await createPayer(billing.client, {
      account: { group: "gold", disconnectPolicy: DisconnectPolicy.DRAIN, storeResponse: StoreResponse.NONE },
      key: {
        kind: KeyKind.USER,
        userId: "user 1",
        scopes: ["history.read", "chat"],
        allowedModels: ["b", "a"],
        allowedCidrs: ["10.0.0.0/8", "::1"],
        expiresUnixMs: 4_000_000_000_000n,
      },
    });
    expect(await authenticate(secret)).toMatchObject({
      accountId,
      keyId,
      kind: KeyKind.USER,
      group: "gold",
      userId: "user 1",
      scopes: ["chat", "history.read"],
      allowedModels: ["a", "b"],
      allowedCidrs: ["10.0.0.0/8", "::1/128"],
      disconnectPolicy: DisconnectPolicy.DRAIN,
      storeResponse: StoreResponse.NONE,
      expiresUnixMs: 4_000_000_000_000n,
      keyPrefix: secret.slice(0, "tl-user-".length + 6),
    });
  });

  test("tells a whole batch's keys apart", async () => {
    const { client } = billing;
    const good = await createPayer(client, { key: { group: "own" } });
    const expired = await createPayer(client, { key: { expiresUnixMs: 1n } });
    const revoked = await createPayer(client);
    const suspended = await createPayer(client);
    await client.revokeKey({ keyId: revoked.keyId }, options);
    await client.updateAccount({ accountId: suspended.accountId, state: AccountState.SUSPENDED }, options);
    const secrets = [good, expired, revoked, suspended].map(({ secret }) => secret);
    const codes = await Promise.all([...secrets, "tl-unknown", ""].map((secret) => codeOf(authenticate(secret))));
    expect(codes).toEqual([
      "ok",
      "expired_api_key",
      "revoked_api_key",
      "account_suspended",
      "invalid_api_key",
      "invalid_api_key",
    ]);
    expect(await authenticate(good.secret)).toMatchObject({ group: "own" });
  });
});

describe("a secret", () => {
  test("is nowhere in the database, in no form that the key alone would give", async () => {
    const { secret, keyId } = await createPayer(billing.client);
    const db = createDatabase<Record<string, never>>({
      url: postgres.url,
      schema: "billing",
      applicationName: "test",
      log: silentLog,
    });
    const { rows } = await db.kysely.executeQuery<{ row: string }>(
      CompiledQuery.raw("select k::text || s::text as row from billing.key k join billing.key_secret s using (key_id)"),
    );
    await db.close();
    const all = rows.map(({ row }) => row).join("\n");
    expect(rows.length).toBeGreaterThan(0);
    expect(all).not.toContain(secret);
    expect(all).not.toContain(secretDigest(secret).toString("hex"));
    const { keys } = await billing.client.listKeys({ limit: 1_000 }, options);
    expect(keys.find((key) => key.keyId === keyId)?.prefix).toBe(secret.slice(0, 9));
    expect(JSON.stringify(keys, (_name, value) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
      secret,
    );
  });

  test.each([
    [KeyKind.API, /^tl-[0-9A-Za-z]{43}$/],
    [KeyKind.SERVER, /^tl-server-[0-9A-Za-z]{43}$/],
    [KeyKind.CLI, /^tl-cli-[0-9A-Za-z]{43}$/],
  ])("of kind %i has its own look", async (kind, look) => {
    const { secret } = await createPayer(billing.client, { key: { kind } });
    expect(secret).toMatch(look);
  });

  test("that is brought along works, and brought twice gives the same key", async () => {
    const { client } = billing;
    const { accountId } = await createPayer(client);
    const secret = "a secret key of my own".replaceAll(" ", "-");
    const key = { accountId, kind: KeyKind.API, scopes: ["*"], name: "mine" };
    const first = await client.createKey({ key, secret }, options);
    expect(await client.createKey({ key, secret }, options)).toEqual(first);
    expect(await authenticate(secret)).toMatchObject({ keyId: first.key?.keyId });
    await client.updateKey({ keyId: first.key?.keyId ?? 0n, name: "renamed" }, options);
    expect((await client.createKey({ key, secret }, options)).key).toMatchObject({ name: "renamed" });
    expect(await codeOf(client.createKey({ key: { ...key, name: "another" }, secret }, options))).toBe("invalid_value");
    expect(await codeOf(client.createKey({ key, secret: "short" }, options))).toBe("invalid_value");
    expect(await codeOf(client.createKey({ key, secret: "with a blank in it" }, options))).toBe("invalid_value");
  });

  test("that was rotated away works for the overlap and not a moment longer", async () => {
    const { client } = billing;
    const { secret, keyId } = await createPayer(client);
    const rotated = await client.rotateKey({ keyId, overlapMs: 300n }, options);
    expect(rotated.secret).not.toBe(secret);
    expect(await Promise.all([secret, rotated.secret].map((each) => codeOf(authenticate(each))))).toEqual(["ok", "ok"]);
    await delay(350);
    expect(await codeOf(authenticate(secret))).toBe("revoked_api_key");
    await expect(authenticate(secret)).rejects.toThrow(/rotation; use the new secret/);
    const again = await client.rotateKey({ keyId }, options);
    expect(await codeOf(authenticate(rotated.secret))).toBe("revoked_api_key");
    expect(await authenticate(again.secret)).toMatchObject({ keyId });
    await client.revokeKey({ keyId }, options);
    expect(await codeOf(client.rotateKey({ keyId }, options))).toBe("revoked_api_key");
  });
});

describe("administration", () => {
  test("changes what is given and nothing else", async () => {
    const { client } = billing;
    const { keyId, accountId } = await createPayer(client, {
      key: { name: "old", allowedModels: ["a"], limits: { requestsPerMinute: 5 } },
    });
    const { key } = await client.updateKey({ keyId, scopes: ["chat"], setScopes: true, group: "g" }, options);
    expect(key).toMatchObject({
      name: "old",
      scopes: ["chat"],
      group: "g",
      allowedModels: ["a"],
      limits: { requestsPerMinute: 5 },
    });
    const { account } = await client.updateAccount(
      { accountId, creditFloorNanoUsd: -7n, limits: { tokensPerMinute: 9n } },
      options,
    );
    expect(account).toMatchObject({ creditFloorNanoUsd: -7n, group: "default", limits: { tokensPerMinute: 9n } });
    expect((await client.getAccount({ name: account?.name ?? "" }, options)).account).toEqual(account);
  });

  test("takes addresses of IPv4 in their form of IPv6, by which no caller is known", async () => {
    const { client } = billing;
    const { keyId } = await createPayer(client);
    const given = ["::ffff:10.1.2.3", "::ffff:172.16.0.0/108", "::ffff:a00:1/128", "2001:db8::/32", "10.0.0.5/8"];
    const { key } = await client.updateKey({ keyId, allowedCidrs: given, setAllowedCidrs: true }, options);
    expect(key?.allowedCidrs).toEqual(["10.0.0.1/32", "10.0.0.5/8", "10.1.2.3/32", "172.16.0.0/12", "2001:db8::/32"]);
  });

  test("creates an account once, however often it is asked, and answers it as it is by now", async () => {
    const { client } = billing;
    const made = await client.createAccount({ account: { name: "once" } }, options);
    const accountId = made.account?.accountId ?? 0n;
    await client.updateAccount({ accountId, limits: { requestsPerMinute: 3 } }, options);
    const again = await client.createAccount({ account: { name: "once" } }, options);
    expect(again.account).toMatchObject({ accountId, limits: { requestsPerMinute: 3 } });
    expect(await codeOf(client.createAccount({ account: { name: "once", group: "other" } }, options))).toBe(
      "invalid_value",
    );
  });

  test("leaves other accounts' keys alone", async () => {
    const { client } = billing;
    const [one, other] = await Promise.all([createPayer(client), createPayer(client)]);
    const strange = { keyId: one.keyId, accountId: other.accountId };
    expect(await codeOf(client.revokeKey(strange, options))).toBe("not_found");
    expect(await codeOf(client.rotateKey(strange, options))).toBe("not_found");
    expect(await codeOf(client.updateKey({ ...strange, name: "x" }, options))).toBe("not_found");
    expect(await codeOf(authenticate(one.secret))).toBe("ok");
  });

  test.each([
    ["a name that is taken", { name: "taken" }, "name"],
    ["an empty name", { name: " " }, "name"],
    ["a positive floor", { creditFloorNanoUsd: 1n }, "account.credit_floor_nano_usd"],
    ["a negative budget", { limits: { dailyBudgetNanoUsd: -1n } }, "limits.daily_budget_nano_usd"],
  ])("refuses %s", async (_what, change, param) => {
    const { client } = billing;
    await client.createAccount({ account: { name: "taken" } }, options);
    const { accountId } = await createPayer(client);
    await expect(client.updateAccount({ accountId, ...change }, options)).rejects.toMatchObject({
      code: "invalid_value",
      param,
    });
  });

  test.each([
    ["an unknown scope", { scopes: ["everything"] }, "key.scopes"],
    ["no address", { allowedCidrs: ["10.0.0.0/40"] }, "key.allowed_cidrs"],
    ["an address in octal", { allowedCidrs: ["010.0.0.1/8"] }, "key.allowed_cidrs"],
    ["half an address", { allowedCidrs: ["10"] }, "key.allowed_cidrs"],
    ["a network card's address", { allowedCidrs: ["fe80::1%eth0"] }, "key.allowed_cidrs"],
    ["a user key without a user", { kind: KeyKind.USER }, "key.user_id"],
    ["a user on another kind", { userId: "u" }, "key.user_id"],
    ["no kind", { kind: KeyKind.UNSPECIFIED }, "key.kind"],
    ["an account that is not there", { accountId: 999_999n }, "key.account_id"],
  ])("refuses a key with %s", async (_what, key, param) => {
    const { client } = billing;
    const { accountId } = await createPayer(client);
    const asked = { accountId, kind: KeyKind.API, ...key };
    await expect(client.createKey({ key: asked }, options)).rejects.toMatchObject({ param });
  });

  test("lists accounts and keys a page at a time", async () => {
    const { client } = billing;
    const { accountId, keyId } = await createPayer(client);
    const more = await Promise.all(
      [1, 2].map(() => client.createKey({ key: { accountId, kind: KeyKind.API } }, options)),
    );
    const all = [keyId, ...more.map(({ key }) => key?.keyId ?? 0n)].sort((a, b) => Number(a - b));
    const first = await client.listKeys({ accountId, limit: 2 }, options);
    const second = await client.listKeys({ accountId, limit: 2, afterKeyId: first.keys[1]?.keyId ?? 0n }, options);
    expect([first.hasMore, second.hasMore]).toEqual([true, false]);
    expect([...first.keys, ...second.keys].map((key) => key.keyId)).toEqual(all);
    const accounts = await client.listAccounts({ afterAccountId: accountId - 1n, limit: 1 }, options);
    expect(accounts.accounts.map((account) => account.accountId)).toEqual([accountId]);
    expect(await codeOf(client.listKeys({ limit: 1_001 }, options))).toBe("invalid_value");
  });
});
