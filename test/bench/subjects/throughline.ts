import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findEmbeddedPostgres } from "../../../shared/db/index.ts";
import type { ProcessGroup } from "../measure/proc.ts";
import { answering, type Started } from "./answering.ts";
import { kept } from "./database.ts";
import { type Ground, root } from "./ground.ts";
import type { Spawned } from "./spawn.ts";
import type { Kept, Subject, SubjectName } from "./subject.ts";

/** The key that the bench calls with. */
export const benchKey = "tl-bench-0123456789abcdefghijklmnopqrstuvwxyz";

/** How a Throughline of the bench runs. */
export interface ThroughlineOptions {
  readonly name: SubjectName;
  readonly mode: "up" | "mesh";
  /** Share of the requests whose spans are recorded and exported. */
  readonly sampled: number;
  /** Starts to time, after a first one that makes the database. */
  readonly starts: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of the data; a fresh one of the bench otherwise. */
  readonly dataFolder?: string;
  /** Folder of another checkout whose code is started; this one's otherwise. */
  readonly checkout?: string;
  /** Options of Node, e.g. --cpu-prof. */
  readonly execArgs?: readonly string[];
}

/** A Throughline of the bench. */
export interface RunningThroughline extends Subject {
  readonly dataFolder: string;
  /** Address of its database. */
  databaseUrl(): Promise<string>;
  kept(): Promise<Kept>;
  scrape(): Promise<void>;
}

/** Throughline as a user starts it, with everything on, before the bench's upstream. */
export async function throughline(ground: Ground, options: ThroughlineOptions): Promise<RunningThroughline> {
  const { name, mode, sampled } = options;
  const dataFolder = options.dataFolder ?? join(ground.folder, name);
  await mkdir(dataFolder, { recursive: true });
  const startMs: number[] = [];
  const begin = () => answering((port) => start(ground, options, dataFolder, port));
  let running = await begin();
  for (let round = 0; round < options.starts; round += 1) {
    await running.child.stop();
    running = await begin();
    startMs.push(running.startMs);
  }
  const { child, target } = running;
  const processes = [...processesOf(mode, child, dataFolder), postgresOf(dataFolder)];
  const percent = `${sampled * 100} %`;
  const databaseUrl = async (): Promise<string> => {
    const url = await findEmbeddedPostgres(dataFolder);
    if (url === undefined) throw new Error(`no PostgreSQL runs on ${dataFolder}`);
    return url;
  };
  return {
    name,
    target,
    what: `Throughline ${mode}: ${mode === "up" ? "one process" : "five processes over gRPC"} and PostgreSQL 18; durable reservation, ledger, history with answers, metrics scraped, a log line a request; ${percent} of the traces exported`,
    leavesOff:
      sampled === 1
        ? "nothing"
        : `spans of ${100 - sampled * 100} % of the requests (parentbased_traceidratio ${sampled})`,
    processes: () => processes,
    startMs,
    dataFolder,
    databaseUrl,
    kept: async () => kept(await databaseUrl()),
    async scrape() {
      await (await fetch(`http://${target.host}:${target.port}/metrics`)).text();
    },
    ended: child.ended,
    stop: () => child.stop(),
  };
}

function start(
  ground: Ground,
  { name, mode, sampled, env, execArgs = [], checkout = root }: ThroughlineOptions,
  dataFolder: string,
  port: number,
): Started {
  const child = ground.spawnNode(
    name,
    [...execArgs, join(checkout, "cli/main.ts"), mode],
    {
      NODE_ENV: "production",
      THROUGHLINE_DATA: dataFolder,
      THROUGHLINE_BOOTSTRAP_KEY: benchKey,
      PORT: String(port),
      OPENAI_BASE_URL: `http://127.0.0.1:${ground.upstream.port}/v1`,
      OPENAI_API_KEY: "sk-bench",
      OTEL_EXPORTER_OTLP_ENDPOINT: ground.sinkUrl,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: String(sampled),
      // An interrupted bench need not wait for streams that nobody reads.
      SHUTDOWN_GRACE_MS: "5000",
      ...env,
    },
    join(dataFolder, "output.log"),
  );
  return { child, target: { host: "127.0.0.1", port, headers: { authorization: `Bearer ${benchKey}` } } };
}

/** Our processes by role. */
function processesOf(mode: "up" | "mesh", child: Spawned, dataFolder: string): ProcessGroup[] {
  const one = (name: string, pid: number): ProcessGroup => ({ name, pid, isDatabase: false, withChildren: false });
  if (mode === "up") return [one("up", child.pid)];
  const pids: unknown = JSON.parse(readFileSync(join(dataFolder, "mesh.json"), "utf8"));
  const roles = Object.entries(pids as Record<string, number>).map(([role, pid]) => one(role, pid));
  return [...roles, one("launcher", child.pid)];
}

/** The postmaster, with a child for each connection. */
function postgresOf(dataFolder: string): ProcessGroup {
  const pid = Number(readFileSync(join(dataFolder, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
  return { name: "postgres", pid, isDatabase: true, withChildren: true };
}
