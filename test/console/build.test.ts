import { appendFile, cp, mkdtemp, readdir, readFile, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

/* The console is built where it is not, and again when what it is made from has changed: by what is in it, not by its times. */

const root = fileURLToPath(new URL("../..", import.meta.url));
let clone = "";
let build: () => Promise<boolean>;

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), "throughline-console-"));
  for (const path of ["console", "client", "tsconfig.json", "package.json", "package-lock.json"]) {
    const filter = (source: string) => !/\/(node_modules|dist[^/]*)$/.test(source);
    await cp(join(root, path), join(clone, path), { recursive: true, filter });
  }
  await symlink(join(root, "node_modules"), join(clone, "node_modules"));
  const script: { buildConsole: (node?: string) => Promise<boolean> } = await import(
    pathToFileURL(join(clone, "console/build.mjs")).href
  );
  build = () => script.buildConsole(process.execPath);
});
afterAll(() => rm(clone, { recursive: true, force: true }));

const built = () => readdir(join(clone, "console/dist/assets"));

test("a console is built once, also by two at a time, and again after a change", async () => {
  await Promise.all([build(), build()]);
  const first = await built();
  expect(await build()).toBe(false);
  await utimes(join(clone, "console/src/main.tsx"), new Date(), new Date());
  expect(await build()).toBe(false);

  await appendFile(join(clone, "console/src/main.tsx"), "\ndocument.title += String.fromCodePoint(33);\n");
  expect(await build()).toBe(true);
  expect(await built()).not.toEqual(first);
  expect((await readdir(join(clone, "console"))).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
});

test("a console that does not compile leaves the one before in its place", async () => {
  const before = await built();
  await appendFile(join(clone, "console/src/app.tsx"), "\nimport nothing from './nowhere';\nnothing();\n");
  await expect(build()).rejects.toThrow("nowhere");
  expect(await built()).toEqual(before);
  expect((await readdir(join(clone, "console"))).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
});

test("its page has neither scripts nor styles in line, which its policy would refuse", async () => {
  const page = await readFile(join(clone, "console/dist/index.html"), "utf8");
  expect(page).not.toMatch(/<script(?![^>]* src="\/console\/)|<style| style=| on[a-z]+=/);
});
