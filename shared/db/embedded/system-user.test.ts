import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBinaries } from "./binaries.ts";
import { createLauncher } from "./system-user.ts";

const run = promisify(execFile);

let closed: string;
beforeAll(async () => {
  closed = await mkdtemp(path.join(tmpdir(), "throughline-closed-"));
});
afterAll(() => rm(closed, { recursive: true, force: true }));

describe.runIf(process.getuid?.() === 0)("createLauncher, as root", () => {
  test("starts programs as another user, also from a directory that is closed to that user", async () => {
    const { postgres } = await findBinaries();
    const copy = path.join(closed, "bin", "postgres");
    await mkdir(path.dirname(copy));
    await copyFile(postgres, copy);
    await symlink(path.resolve(postgres, "../../lib"), path.join(closed, "lib"));
    const launcher = await createLauncher([copy]);
    expect(launcher.owner?.uid).toBeGreaterThan(0);
    const { file, args, ...user } = launcher.command(copy, ["--version"]);
    const { stdout, stderr } = await run(file, args, user);
    // PostgreSQL says "invalid binary" when it may not look at itself, and would find no other program of its own.
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^postgres \(PostgreSQL\) 18/);
  });

  test("gives them no more than that: they read as the other user where nothing is closed", async () => {
    const launcher = await createLauncher(["/usr/bin/id"]);
    const { file, args, ...user } = launcher.command("/bin/cat", ["/proc/self/status"]);
    const { stdout } = await run(file, args, user);
    expect(stdout).toMatch(/^CapEff:\s*0+$/m);
    expect(stdout).toMatch(new RegExp(`^Uid:\\s*${launcher.owner?.uid}\\s`, "m"));
  });
});
