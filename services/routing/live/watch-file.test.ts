import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileWatch, fingerprint, watchFile } from "./watch-file.ts";

let folder: string;
let watch: FileWatch | undefined;
let seen: string[];
let errors: unknown[];
let onText: (text: string) => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watch-"));
  seen = [];
  errors = [];
  onText = async (text) => void seen.push(text);
});
afterEach(async () => {
  await watch?.stop();
  await rm(folder, { recursive: true });
});

/** Watches without its own timer: the tests say when it looks. */
async function start(path: string): Promise<FileWatch> {
  const everyMs = 60_000;
  watch = watchFile(
    { path, everyMs, onText: (text) => onText(text), onError: (error) => errors.push(error) },
    await fingerprint(path),
  );
  return watch;
}

test("a change is read once it stands still, and once", async () => {
  const path = join(folder, "a");
  await writeFile(path, "1");
  const { look } = await start(path);
  await look();
  await look();
  expect(seen).toEqual([]);
  await writeFile(path, "2 half");
  await look();
  await writeFile(path, "2 whole");
  await look();
  expect(seen).toEqual([]);
  await look();
  await look();
  expect(seen).toEqual(["2 whole"]);
});

test("a swapped symbolic link, as of a ConfigMap, is a change", async () => {
  for (const version of ["v1", "v2"]) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "a"), version);
  }
  await symlink("v1", join(folder, "data"));
  await symlink(join("data", "a"), join(folder, "a"));
  const { look } = await start(join(folder, "a"));
  await symlink("v2", join(folder, "data.new"));
  await rename(join(folder, "data.new"), join(folder, "data"));
  await look();
  await look();
  expect(seen).toEqual(["v2"]);
});

test("a file that is gone is told once, and read when it is back", async () => {
  const path = join(folder, "a");
  await writeFile(path, "1");
  const { look } = await start(path);
  await rm(path);
  await look();
  await look();
  expect(errors).toHaveLength(1);
  await writeFile(path, "2");
  await look();
  await look();
  expect(seen).toEqual(["2"]);
});

test("what could not be taken is offered again at each look", async () => {
  const path = join(folder, "a");
  await writeFile(path, "1");
  const { look } = await start(path);
  const take = onText;
  onText = () => Promise.reject(new Error("the database is away"));
  await writeFile(path, "2");
  for (let i = 0; i < 4; i++) await look();
  expect(seen).toEqual([]);
  expect(errors).toHaveLength(1);
  onText = take;
  await look();
  expect(seen).toEqual(["2"]);
});
