import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "../load/request.ts";
import type { ProcessGroup } from "../measure/proc.ts";
import { claim, clearAway, folderPrefix } from "./leftovers.ts";
import { listeningPort, type Spawned, type Start, spawnProcess } from "./spawn.ts";

/** Folder of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What all rows of a bench share: its folder, its processes, the upstream, the sink of spans. */
export interface Ground extends AsyncDisposable {
  readonly folder: string;
  readonly upstream: Target;
  readonly upstreamProcess: ProcessGroup;
  readonly sinkUrl: string;
  /** Starts a process whose output goes to `<name>.log` in the folder, or to a file. What still runs when the ground is closed is ended then. */
  spawn(name: string, start: Omit<Start, "outputFile"> & { readonly outputFile?: string }): Spawned;
  /** As `spawn`, of Node with these arguments. */
  spawnNode(name: string, args: readonly string[], env: Start["env"], outputFile?: string): Spawned;
}

/** Starts what all rows share, and clears away what a bench left that was killed. */
export async function openBenchGround(): Promise<Ground> {
  await clearAway(tmpdir());
  const undo = new AsyncDisposableStack();
  // Root's PostgreSQL runs as another user, who must be able to pass through.
  const folder = await mkdtemp(join(tmpdir(), folderPrefix));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await claim(folder);
  const running = new Set<Spawned>();
  let closed = false;
  undo.defer(async () => {
    closed = true;
    await Promise.all([...running].map((child) => child.stop()));
  });

  const spawn: Ground["spawn"] = (name, start) => {
    if (closed) throw new Error(`${name} is not started any more: the bench ends`);
    const child = spawnProcess({ outputFile: join(folder, `${name}.log`), ...start });
    running.add(child);
    void child.gone.then(() => running.delete(child));
    return child;
  };
  const spawnNode: Ground["spawnNode"] = (name, args, env, outputFile) =>
    spawn(name, { command: process.execPath, args, env, ...(outputFile === undefined ? {} : { outputFile }) });

  try {
    const start = (name: string) => spawnNode(name, [join(root, `test/bench/processes/${name}.ts`)], {});
    const upstream = start("upstream");
    const sink = start("sink");
    return {
      folder,
      upstream: {
        host: "127.0.0.1",
        port: await listeningPort(upstream),
        headers: { authorization: "Bearer sk-bench" },
      },
      upstreamProcess: { name: "upstream", pid: upstream.pid, isDatabase: false, withChildren: false },
      sinkUrl: `http://127.0.0.1:${await listeningPort(sink)}`,
      spawn,
      spawnNode,
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}
