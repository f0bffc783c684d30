import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startOfProcess } from "../shared/db/embedded/process-identity.ts";
import { testPostgres } from "../shared/db/testing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const key = "tl-mesh-0123456789abcdef";

describe("the mesh in a terminal", () => {
  let undo: AsyncDisposableStack;
  let folder: string;
  let mesh: ChildProcess;
  let out: string;
  let url: string;

  beforeEach(async () => {
    undo = new AsyncDisposableStack();
    const database = undo.use(await testPostgres());
    folder = await mkdtemp(join(tmpdir(), "throughline-mesh-"));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    out = "";
    // A process group of its own stands for the terminal's.
    mesh = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "mesh"], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH ?? "",
        THROUGHLINE_DATA: folder,
        THROUGHLINE_BOOTSTRAP_KEY: key,
        DATABASE_URL: database.url,
        PORT: "0",
        LOG_LEVEL: "warn",
      },
    });
    undo.defer(async () => void mesh.kill("SIGKILL"));
    for (const stream of [mesh.stdout, mesh.stderr]) {
      stream?.on("data", (data: Buffer) => {
        out += data.toString();
      });
    }
    url = await vi.waitFor(
      () => {
        const [, address] = /Base URL {3}(\S+)\/v1/.exec(out) ?? [];
        if (address === undefined) throw new Error(`not ready: ${out}`);
        return address;
      },
      { timeout: 60_000, interval: 50 },
    );
  }, 90_000);
  afterEach(() => undo.disposeAsync());

  const processes = async () =>
    Object.values(JSON.parse(await readFile(join(folder, "mesh.json"), "utf8")) as Record<string, number>);

  it.each([
    ["Ctrl-C, which reaches the whole group", async () => void process.kill(-(mesh.pid ?? 0), "SIGINT")],
    [
      "a signal to all of its processes, as systemd sends it",
      async () => {
        for (const pid of [...(await processes()), mesh.pid ?? 0, mesh.pid ?? 0]) process.kill(pid, "SIGTERM");
      },
    ],
  ])(
    "ends streams whole on %s",
    async (_, signal) => {
      const exited = once(mesh, "exit");
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
      await signal();
      expect(await response.text()).toContain("[DONE]");
      expect(await exited).toEqual([0, null]);
      expect(out).not.toContain("starting it again");
      // Its charge was made and recorded: nothing of it was left to the reconciler.
      expect(out).not.toContain('"level":"error"');
    },
    30_000,
  );

  it("starts a process again that was signalled alone", async () => {
    const [routing = 0, ...others] = await processes();
    process.kill(routing, "SIGTERM");
    await vi.waitFor(async () => expect((await processes())[0]).not.toBe(routing), { timeout: 15_000, interval: 100 });
    expect((await processes()).slice(1)).toEqual(others);
  }, 30_000);

  it("leaves no process behind when it is killed", async () => {
    const pids = await processes();
    const alive = async () => (await Promise.all(pids.map(startOfProcess))).filter((started) => started !== undefined);
    expect(await alive()).toHaveLength(5);
    mesh.kill("SIGKILL");
    await vi.waitFor(async () => expect(await alive()).toEqual([]), { timeout: 25_000, interval: 200 });
  }, 30_000);
});
