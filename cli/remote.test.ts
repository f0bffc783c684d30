import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);

test("packed, it administers from a folder that has nothing of ours", async () => {
  const folder = await mkdtemp(join(tmpdir(), "throughline-npx-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: fileURLToPath(new URL("packed", import.meta.url)) });
  const [tarball = ""] = await readdir(folder);
  const quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...quiet, `./${tarball}`], { cwd: folder });
  expect(await readdir(join(folder, "node_modules"), { recursive: true })).not.toContain("commander");

  const env = {
    PATH: process.env.PATH,
    THROUGHLINE_URL: "http://127.0.0.1:9",
    THROUGHLINE_ADMIN_KEY: "tl-cli-none-0123456789",
  };
  const throughline = (...args: string[]) =>
    run("npx", ["--no-install", "throughline", ...args], { cwd: folder, env }).then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
    );
  const help = await throughline("--help");
  for (const command of ["keys", "credits", "ledger", "usage", "requests", "export", "channels", "trail", "webhooks"]) {
    expect(help.said).toMatch(new RegExp(`^ {2}${command} `, "m"));
  }
  expect(await throughline("keys", "list")).toEqual({ code: 1, said: expect.stringContaining("cannot be reached") });
  expect((await throughline("nonsense")).code).toBe(2);
}, 60_000);
