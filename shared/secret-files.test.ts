import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withSecretFiles } from "./secret-files.ts";

test("a secret may come from a file, and its holder is given the value and not the file's name", () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-secret-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const pepper = file("pepper", "a pepper with spaces \n");
  const rest = {
    PATH: "/bin",
    GRPC_TLS_KEY_FILE: "/etc/tls.key",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    ACCOUNTS_FILE: "/a",
  };
  expect(withSecretFiles({ KEY_PEPPER_FILE: pepper, OPENAI_API_KEY_FILE: file("k", "sk-x"), ...rest })).toEqual({
    KEY_PEPPER: "a pepper with spaces ",
    OPENAI_API_KEY: "sk-x",
    ...rest,
  });
  expect(withSecretFiles({ KEY_PEPPER_FILE: "", KEY_PEPPER: "given" })).toEqual({ KEY_PEPPER: "given" });
  const refusals: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ KEY_PEPPER_FILE: pepper, KEY_PEPPER: "given" }, /^KEY_PEPPER_FILE and KEY_PEPPER are both set/],
    [{ DATABASE_URL_FILE: join(folder, "nothing") }, /^DATABASE_URL_FILE: .*nothing cannot be read \(ENOENT\)$/],
    [{ VALKEY_URL_FILE: folder }, /cannot be read \(EISDIR\)$/],
    [{ GRPC_SECRET_FILE: file("empty", "\n") }, /empty is empty$/],
  ];
  for (const [env, message] of refusals) expect(() => withSecretFiles(env)).toThrow(message);
});
