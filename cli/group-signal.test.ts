import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testPostgres } from "../shared/db/testing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const key = "tl-group-0123456789abcdef";

/** `npm start` runs npm, a shell, the bootstrap and the program: one signal to their group reaches the last one thrice. */
test.each(["SIGTERM", "SIGHUP"] as const)(
  "%s to the whole group of `npm start` ends a stream whole",
  async (signal) => {
    await using undo = new AsyncDisposableStack();
    const database = undo.use(await testPostgres());
    const folder = await mkdtemp(join(tmpdir(), "throughline-group-"));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const npm = spawn("npm", ["start"], {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH ?? "",
        HOME: folder,
        THROUGHLINE_DATA: folder,
        THROUGHLINE_BOOTSTRAP_KEY: key,
        DATABASE_URL: database.url,
        PORT: "0",
      },
    });
    const group = -(npm.pid ?? 0);
    let out = "";
    const ended = once(npm.stdout, "end");
    const exited = once(npm, "exit");
    undo.defer(async () => {
      if (npm.exitCode !== null || npm.signalCode !== null) return;
      process.kill(group, "SIGKILL");
      await exited;
    });
    npm.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    while (!out.includes("Throughline is ready")) await once(npm.stdout, "data");
    const [, url] = /Base URL {3}(\S+)\/v1/.exec(out) ?? [];

    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "sim-slow-chunks-200",
        stream: true,
        max_tokens: 10,
        messages: [{ role: "user", content: "Hello" }],
      }),
    });
    process.kill(group, signal);
    expect(await response.text()).toContain("[DONE]");
    // npm itself may die of the signal; what it started closes its output when it has ended.
    await Promise.all([exited, ended]);
    const last = out.trimEnd().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ msg: "stopped", reason: signal, failed: [] });
  },
  60_000,
);
