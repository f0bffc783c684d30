import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "../load/request.ts";
import type { ProcessGroup } from "../measure/proc.ts";
import { listeningPort, spawnNode } from "./spawn.ts";

/** Folder of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What all rows of a bench share: its folder, the upstream, the sink of spans. */
export interface Ground extends AsyncDisposable {
  readonly folder: string;
  readonly upstream: Target;
  readonly upstreamProcess: ProcessGroup;
  readonly sinkUrl: string;
  /** Exports that the sink took so far. */
  spans(): Promise<{ exports: number; bytes: number }>;
}

/** Starts what all rows share. */
export async function openBenchGround(): Promise<Ground> {
  const undo = new AsyncDisposableStack();
  // Root's PostgreSQL runs as another user, who must be able to pass through.
  const folder = await mkdtemp(join(tmpdir(), "throughline-bench-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const start = (name: string) => {
    const child = spawnNode([join(root, `test/bench/processes/${name}.ts`)], {}, join(folder, `${name}.log`));
    undo.defer(() => child.stop());
    return child;
  };
  const upstream = start("upstream");
  const sink = start("sink");
  const upstreamPort = await listeningPort(upstream);
  const sinkUrl = `http://127.0.0.1:${await listeningPort(sink)}`;
  return {
    folder,
    upstream: { host: "127.0.0.1", port: upstreamPort, headers: { authorization: "Bearer sk-bench" } },
    upstreamProcess: { name: "upstream", pid: upstream.pid, isDatabase: false, withChildren: false },
    sinkUrl,
    async spans() {
      return (await (await fetch(sinkUrl)).json()) as { exports: number; bytes: number };
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}
