import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startReplica } from "../services/billing/testing.ts";
import { testPostgres } from "../shared/db/testing.ts";
import { KeyKind } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { ensureDefaultAccount } from "./default-account.ts";

const options = { timeoutMs: 10_000 };

/** A billing with a client, on a fresh database, and a folder. */
async function startGround() {
  const undo = new AsyncDisposableStack();
  const database = undo.use(await testPostgres());
  const { client } = undo.use(await startReplica(database.url));
  const dataFolder = mkdtempSync(join(tmpdir(), "throughline-keys-"));
  undo.defer(() => rmSync(dataFolder, { recursive: true }));
  return { client, dataFolder, file: join(dataFolder, "admin-key"), [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

describe("ensureDefaultAccount", () => {
  it("keeps an administration key in the data folder, readable by its owner alone, the same at every start", async () => {
    await using ground = await startGround();
    const { client, dataFolder, file } = ground;
    const given = { secret: undefined, adminSecret: undefined, dataFolder };
    const first = await ensureDefaultAccount(client, given);
    expect(first).toEqual({ secret: expect.stringMatching(/^tl-\w{43}$/), adminSecret: undefined });
    const kept = readFileSync(file, "utf8");
    expect([kept, statSync(file).mode & 0o777]).toEqual([expect.stringMatching(/^tl-cli-\w{43}\n$/), 0o600]);
    expect(await ensureDefaultAccount(client, given)).toEqual({ secret: undefined, adminSecret: undefined });
    expect(readFileSync(file, "utf8")).toBe(kept);
    const { keys } = await client.listKeys({}, options);
    expect(keys.map(({ kind, scopes }) => [kind, scopes])).toEqual([
      [KeyKind.CLI, ["admin.read", "admin.write"]],
      [KeyKind.API, ["*"]],
    ]);
    const { accounts } = await client.listAccounts({}, options);
    expect(accounts).toMatchObject([{ name: "default", balanceNanoUsd: 1_000_000_000_000n }]);
    // The trail holds each thing that was made once, without secrets.
    const { events } = await client.listAdministration({}, options);
    expect(events.toReversed().map(({ procedure, actor, outcome }) => [procedure, actor, outcome])).toEqual(
      ["accounts.create", "credits.add", "keys.create", "keys.create"].map((procedure) => [procedure, "init", "done"]),
    );
    const told = JSON.stringify(events.map(({ afterJson }) => afterJson));
    expect(told).toContain("admin.write");
    for (const secret of [kept.trim(), first.secret ?? ""]) expect(told).not.toContain(secret);
  });

  it("marks the account as an operator's only where no other is", async () => {
    await using ground = await startGround();
    const { client, dataFolder } = ground;
    const given = { secret: undefined, adminSecret: undefined, dataFolder };
    await ensureDefaultAccount(client, given);
    const isOperator = async () => (await client.listAccounts({}, options)).accounts.map(({ operator }) => operator);
    const [first] = (await client.listAccounts({}, options)).accounts;
    const accountId = first?.accountId ?? 0n;
    await client.updateAccount({ accountId, operator: false }, options);
    await ensureDefaultAccount(client, given);
    expect(await isOperator()).toEqual([true]);
    await client.createAccount({ account: { name: "ops", operator: true } }, options);
    await client.updateAccount({ accountId, operator: false }, options);
    await ensureDefaultAccount(client, given);
    expect(await isOperator()).toEqual([false, true]);
    const { events } = await client.listAdministration({ procedure: "accounts.update" }, options);
    expect(events.map(({ actor, target }) => [actor, target])).toEqual([["init", accountId.toString()]]);
  });

  it("makes a new one where the kept one was rotated away elsewhere, and leaves one whose overlap still runs", async () => {
    await using ground = await startGround();
    const { client, dataFolder, file } = ground;
    const given = { secret: undefined, adminSecret: undefined, dataFolder };
    await ensureDefaultAccount(client, given);
    const kept = readFileSync(file, "utf8");
    const [key] = (await client.listKeys({}, options)).keys;
    await client.rotateKey({ keyId: key?.keyId ?? 0n, overlapMs: 3_600_000n }, options);
    await ensureDefaultAccount(client, given);
    expect(readFileSync(file, "utf8")).toBe(kept);
    await client.rotateKey({ keyId: key?.keyId ?? 0n }, options);
    await ensureDefaultAccount(client, given);
    expect(readFileSync(file, "utf8")).not.toBe(kept);
  });

  it("makes a new one where the kept one was revoked", async () => {
    await using ground = await startGround();
    const { client, dataFolder, file } = ground;
    const given = { secret: undefined, adminSecret: undefined, dataFolder };
    await ensureDefaultAccount(client, given);
    const kept = readFileSync(file, "utf8");
    const [key] = (await client.listKeys({}, options)).keys;
    await client.revokeKey({ keyId: key?.keyId ?? 0n }, options);
    await ensureDefaultAccount(client, given);
    expect(readFileSync(file, "utf8")).not.toBe(kept);
  });

  it("takes given keys and gives them back to nobody, and shows made ones once where there is no folder", async () => {
    await using ground = await startGround();
    const { client } = ground;
    const nothing = { secret: undefined, adminSecret: undefined, dataFolder: undefined };
    const made = await ensureDefaultAccount(client, nothing);
    expect(made.adminSecret).toMatch(/^tl-cli-/);
    expect(await ensureDefaultAccount(client, nothing)).toEqual({ secret: undefined, adminSecret: undefined });
    const given = { secret: "a-given-api-key-1", adminSecret: "a-given-admin-key-1", dataFolder: undefined };
    for (let i = 0; i < 2; i++) {
      expect(await ensureDefaultAccount(client, given)).toEqual({ secret: undefined, adminSecret: undefined });
    }
    const named = (await client.listKeys({}, options)).keys.filter(({ name }) => name === "bootstrap");
    expect(named).toHaveLength(1);
  });
});
