import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { KeyKind } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { createLog } from "../../../shared/log.ts";
import { DeclarationError, readDeclaredAccounts } from "../domain/declared-accounts.ts";
import { codeOf, startReplica } from "../testing.ts";

const options = { timeoutMs: 15_000 };
let postgres: TestPostgres;
let folder: string;
beforeAll(async () => {
  postgres = await testPostgres();
  folder = mkdtempSync(join(tmpdir(), "throughline-accounts-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await postgres.stop();
});

const sha256 = (text: string) => createHash("sha256").update(text).digest();
const [one, two, hashed] = ["tl-declared-0000000001", "tl-declared-0000000002", "tl-declared-by-its-hash"];

test("accounts and keys are made as the file says, and follow it: a changed secret, an end, a mistake that changes nothing", async () => {
  const file = join(folder, "accounts.yaml");
  const write = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const of = (secrets: readonly string[], more = "") => `
accounts:
  - name: team-a
    operator: true
    credit_usd: 12.5
    keys:
      - { name: application, secrets: [${secrets.join(", ")}]${more} }
      - { name: administration, kind: cli, secret_sha256: [${sha256(hashed).toString("hex")}] }
`;
  write(of([one]));
  const lines: string[] = [];
  const log = createLog({ service: "billing", destination: { write: (line: string) => void lines.push(line) } });
  const start = async () => {
    const replica = await startReplica(postgres.url, { accountsFile: file, accountsLookEveryMs: 20 }, { log });
    onTestFinished(() => replica.stop());
    return replica.client;
  };
  // Several that start at once make each thing once.
  const [billing] = await Promise.all([start(), start(), start()]);
  const works = (secret: string) => codeOf(billing.authenticate.call({ secretSha256: sha256(secret) }, options));
  const becomes = (secret: string, outcome: string) =>
    vi.waitFor(async () => expect(await works(secret)).toBe(outcome), { timeout: 5_000, interval: 20 });
  const { accounts } = await billing.listAccounts({}, options);
  expect(accounts).toMatchObject([
    { name: "team-a", group: "default", operator: true, balanceNanoUsd: 12_500_000_000n },
  ]);
  const listed = async () =>
    (await billing.listKeys({ accountId: accounts[0]?.accountId ?? 0n, limit: 10 }, options)).keys;
  const keys = await listed();
  expect(keys.map(({ name, kind, scopes }) => [name, kind, scopes])).toEqual([
    ["application", KeyKind.API, ["*"]],
    ["administration", KeyKind.CLI, ["admin.read", "admin.write"]],
  ]);
  expect([await works(one), await works(hashed), await works(two)]).toEqual(["ok", "ok", "invalid_api_key"]);

  // Two secrets for the time of a rotation, then the new one alone, and back.
  write(of([two, one]));
  await becomes(two, "ok");
  expect(await works(one)).toBe("ok");
  write(of([two]));
  await becomes(one, "revoked_api_key");
  expect(await works(two)).toBe("ok");
  write(of([one]));
  await becomes(two, "revoked_api_key");
  expect(await works(one)).toBe("ok");
  expect((await listed()).map(({ keyId }) => keyId)).toEqual(keys.map(({ keyId }) => keyId));
  // A secret that is wrong or another key's changes nothing, and the message has no secret in it.
  lines.length = 0;
  for (const wrong of [
    `accounts: [{ name: team-a, keys: [{ name: application, secrets: [short] }] }]`,
    `accounts: [{ name: team-a, keyes: [] }]`,
    `accounts: [{ name: team-a, keys: [{ name: other, secrets: [${one}] }] }]`,
    `accounts: [{ name: "${one}`,
  ]) {
    const before = lines.length;
    write(wrong);
    await vi.waitFor(() => expect(lines.slice(before).join()).toContain("cannot be followed"), { timeout: 5_000 });
  }
  expect(lines.join()).not.toContain(one);
  expect([await works(one), await works(hashed)]).toEqual(["ok", "ok"]);
  write(of([one], ", revoked: true"));
  await becomes(one, "revoked_api_key");
  expect(await works(hashed)).toBe("ok");
  // Each change is in the trail, once for all replicas, and no secret is.
  const { events } = await billing.listAdministration({ limit: 1_000 }, options);
  const told = events.toReversed().map(({ procedure, actor }) => [actor, procedure]);
  expect(told.slice(0, 2)).toEqual([
    ["accounts file", "accounts.create"],
    ["accounts file", expect.stringMatching(/accounts.update|credits.add/)],
  ]);
  const procedures = told.map(([, procedure]) => procedure);
  expect(procedures.filter((procedure) => procedure === "keys.create")).toHaveLength(2);
  for (const name of ["credits.add", "keys.rotate", "keys.revoke"]) expect(procedures).toContain(name);
  const text = JSON.stringify(events.map(({ beforeJson, afterJson }) => [beforeJson, afterJson]));
  for (const secret of [one, two, hashed]) expect(text).not.toContain(secret);
  const { checks } = await billing.audit({}, { timeoutMs: 60_000 });
  expect(checks.flatMap(({ offending }) => offending)).toEqual([]);
}, 60_000);

test.each([
  ["accounts: [{ name: a, keys: [{ name: k, secrets: [tl-0123456789abcdef, tl-0123456789abcdef] }] }]", /twice/],
  ["accounts: [{ name: a }, { name: a }]", /accounts: has "a" twice/],
  ["accounts: [{ name: a, keys: [{ name: k }] }]", /accounts\.0\.keys\.0: must have secrets or secret_sha256/],
  [
    "accounts: [{ name: a, keys: [{ name: k, kind: user, secrets: [tl-0123456789abcdef] }] }]",
    /accounts\.0\.keys\.0\.kind/,
  ],
  ["accounts: [{ name: a, keys: [{ name: k, secrets: ['tl-0123456789 abcdef'] }] }]", /visible ASCII/],
  ["accounts: [{ name: a, keys: [{ name: k, secret_sha256: [xyz] }] }]", /SHA-256 in hex/],
  ["accounts: [{ name: a, credit_usd: -1 }]", /credit_usd/],
  ["accounts: [{ name: a, credit_usd: 1e300 }]", /credit_usd/],
  ["", /the file: /],
  ["{", /is not YAML \(line 1/],
])("a declaration is refused: %s", (text, message) => {
  expect(() => readDeclaredAccounts(text)).toThrow(DeclarationError);
  expect(() => readDeclaredAccounts(text)).toThrow(message);
});

test("amounts are exact", () => {
  const credit = (text: string) =>
    readDeclaredAccounts(`accounts: [{ name: a, credit_usd: ${text} }]`)[0]?.creditNanoUsd;
  expect([credit("0.1"), credit("1000"), credit('"0.000000001"'), credit("12.345678901")]).toEqual([
    100_000_000n,
    1_000_000_000_000n,
    1n,
    12_345_678_901n,
  ]);
});
