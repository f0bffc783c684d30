import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { prepareCounting } from "./counting.ts";

const program = fileURLToPath(new URL("counting.fixture.ts", import.meta.url));

test.each(["grpc", "local"])(
  "messages of lanes and statements are counted in a process that knows nothing of it: %s",
  async (how) => {
    const folder = mkdtempSync(join(tmpdir(), "counting-"));
    const counting = await prepareCounting(folder);
    const child = spawn(process.execPath, [program, how], {
      env: { ...process.env, ...counting.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
      rmSync(folder, { recursive: true });
    });
    await once(child.stdout, "data");
    const groups = [{ name: "it", pid: child.pid ?? 0, isDatabase: false, withChildren: false }];
    const first = await counting.read(groups);
    expect(first).toEqual({ lanes: { Echo: { asked: 1, calls: 3, answered: 1 } }, statements: 1, transactions: 1 });
    // The counts stay after they were read.
    expect(await counting.read(groups)).toEqual(first);
  },
);
