import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every tracked text file that is still there, with its text. */
const files = execFileSync("git", ["ls-files", "-z", "--cached"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "")
  .flatMap((path) => {
    try {
      const text = readFileSync(join(root, path), "utf8");
      return text.includes("\0") ? [] : [{ path, text }];
    } catch {
      return [];
    }
  });

/** Places that match, as "path:line". */
function places(pattern: RegExp, of = files): string[] {
  return of.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

// The patterns are put together from pieces, so that this file does not match itself.
const secrets: readonly (readonly [name: string, pattern: RegExp, sample: string])[] = [
  ["a lock's address", /"resolved":\s*"(https?|git)[:+]/, `"resolved"${': "https'}://host/package.tgz"`],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/, `-----BEGIN ${"PRIVATE"} KEY-----`],
  ["an OpenAI key", /\bsk-(proj|svcacct|admin)-[\w-]{40,}/, `sk-${"proj"}-${"a1".repeat(30)}`],
  ["an Anthropic key", /\bsk-ant-[a-z]+\d\d-[\w-]{40,}/, `sk-${"ant"}-api03-${"a1".repeat(30)}`],
  ["a Google key", /\bAIza[\w-]{35}\b/, `AI${"za"}${"a1b2c".repeat(7)}`],
  ["an AWS key", /\bAKIA[A-Z0-9]{16}\b/, `AK${"IA"}${"A1B2".repeat(4)}`],
  ["a GitHub token", /\bgh[pousr]_[A-Za-z0-9]{36}\b/, `gh${"p_"}${"a1b2".repeat(9)}`],
  ["a registry's token", /_auth(Token)?\s*=/, `//host/:_auth${"Token"}=x`],
];

test.each(secrets)("no tracked file bears %s", (_, pattern, sample) => {
  expect(sample).toMatch(pattern);
  expect(places(pattern)).toEqual([]);
});

test("npm keeps addresses out of the lock", () => {
  expect(readFileSync(join(root, ".npmrc"), "utf8")).toMatch(/^omit-lockfile-registry-resolved=true$/m);
});

test("the lock and package.json agree on every version", () => {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages[""];
  expect(locked.dependencies).toEqual(own.dependencies);
  expect(locked.devDependencies).toEqual(own.devDependencies);
});

test("npm is told of every package with an install script, of every platform's too", () => {
  // npm 12 runs no other: the embedded PostgreSQL would lack the links that its script makes, without a word.
  const { allowScripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const names = withScript.map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
  expect(Object.keys(allowScripts).toSorted()).toEqual([...new Set(names)].toSorted());
});

test("nothing is left unfinished", () => {
  const code = files.filter(({ path }) => /\.(ts|mjs|cjs|sql|proto|sh)$/.test(path) && !path.startsWith("shared/gen/"));
  const pattern = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "HA" + "CK", "X" + "XX"].join("|")})\\b`);
  expect("// TO".concat("DO: later")).toMatch(pattern);
  expect(places(pattern, code)).toEqual([]);
});
