import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const { version, workspaces } = JSON.parse(read("package.json")) as { version: string; workspaces: string[] };

test("all packages have one version", () => {
  for (const workspace of workspaces) {
    const manifest = JSON.parse(read(`${workspace}/package.json`)) as { version?: string };
    expect([workspace, manifest.version]).toEqual([workspace, version]);
  }
});

test("a commit that is tagged as a version has that version, and its changes", () => {
  const tags = execFileSync("git", ["tag", "--points-at", "HEAD"], { cwd: root, encoding: "utf8" }).split("\n");
  for (const tag of tags.filter((name) => /^v\d/.test(name))) {
    expect(`v${version}`).toBe(tag);
    expect(read("CHANGELOG.md")).toContain(`## [${version}]`);
  }
  expect(read("CHANGELOG.md")).toMatch(/^## \[(Unreleased|\d+\.\d+\.\d+)\]/m);
});
