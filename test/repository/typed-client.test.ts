import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the typed client of http.md compiles in a project of its own, and knows a wrong call", async () => {
  const [, example = ""] = /^```ts\n([\s\S]*?)^```$/m.exec(await readFile(join(root, "docs/http.md"), "utf8")) ?? [];
  expect(example).toContain('from "../throughline/gateway/trpc/router.ts"');
  const project = await mkdtemp(join(tmpdir(), "throughline-typed-client-"));
  onTestFinished(() => rm(project, { recursive: true, force: true }));
  // What a project has that set out with the usual strictness, and not with all of ours.
  const compilerOptions = {
    target: "es2024",
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ["node"],
  };
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  const files = { "package.json": { type: "module" }, "tsconfig.json": { compilerOptions, files: ["client.ts"] } };
  for (const [name, value] of Object.entries(files)) await writeFile(join(project, name), JSON.stringify(value));
  const client = `${example.replace("../throughline/", root)}// @ts-expect-error\nawait client.accounts.list.query({ limt: 1 });\n`;
  await writeFile(join(project, "client.ts"), client);
  expect(await compile(project)).toBe("");
}, 180_000);

/** What the compiler says; nothing where all is well. */
function compile(project: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, "node_modules/.bin/tsc"), ["-p", project], (_error, output) => resolve(output));
  });
}
