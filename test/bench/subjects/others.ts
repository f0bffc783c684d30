import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answering, type Started } from "./answering.ts";
import type { Ground } from "./ground.ts";
import { root } from "./ground.ts";
import type { Subject } from "./subject.ts";

type Env = Readonly<Record<string, string>>;

/** The upstream itself, without anything before it. */
export function direct(ground: Ground): Subject {
  return {
    name: "direct",
    target: ground.upstream,
    what: "the upstream alone",
    leavesOff: "everything",
    processes: () => [],
    startMs: [],
    ended: new Promise<never>(() => undefined),
    stop: async () => undefined,
  };
}

/** node:http before undici: what any proxy on Node costs at least. */
export function floor(ground: Ground, starts: number, env: Env = {}): Promise<Subject> {
  return standing(
    {
      name: "floor",
      what: "node:http + undici dispatch, one process",
      leavesOff: "keys, checks, routing, prices, ledger, history, traces, metrics, logs",
    },
    starts,
    (port) => {
      const upstream = `http://127.0.0.1:${ground.upstream.port}`;
      const file = join(root, "test/bench/processes/floor.ts");
      const child = ground.spawnNode("floor", [file, upstream, String(port)], env);
      return { child, target: { host: "127.0.0.1", port, headers: { authorization: "Bearer sk-bench" } } };
    },
  );
}

/** Portkey's open gateway, one process, as its package starts it. */
export function peer(ground: Ground, starts: number, env: Env = {}): Promise<Subject> {
  return standing(
    {
      name: "peer",
      what: "Portkey 1.15.2 with @hono/node-server 1.14.1, one process",
      leavesOff:
        "keys, prices, ledger, history, traces, metrics, logs (it routes and translates by headers of the caller)",
    },
    starts,
    (port) => {
      const file = fileURLToPath(import.meta.resolve("@portkey-ai/gateway/build/start-server.js"));
      const child = ground.spawnNode("peer", [file, `--port=${port}`, "--headless"], {
        ...env,
        NODE_ENV: "production",
        TRUSTED_CUSTOM_HOSTS: "127.0.0.1,localhost",
      });
      const headers = {
        authorization: "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `http://127.0.0.1:${ground.upstream.port}/v1`,
      };
      return { child, target: { host: "127.0.0.1", port, headers } };
    },
  );
}

/** What a row is called, and what it is. */
export type Named = Pick<Subject, "name" | "what" | "leavesOff" | "warmUpAtMost">;

/** Starts a process so many times, timing each start to its first answer; the last one stays. */
export async function standing(
  named: Named,
  starts: number,
  start: (port: number) => Promise<Started> | Started,
  { withChildren = false }: { readonly withChildren?: boolean } = {},
): Promise<Subject> {
  const startMs: number[] = [];
  for (;;) {
    const { child, target, startMs: tookMs } = await answering(start);
    startMs.push(tookMs);
    if (startMs.length < starts) {
      await child.stop();
      continue;
    }
    return {
      ...named,
      target,
      processes: () => [{ name: named.name, pid: child.pid, isDatabase: false, withChildren }],
      startMs,
      ended: child.ended,
      stop: () => child.stop(),
    };
  }
}
