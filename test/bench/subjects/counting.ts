import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ProcessGroup } from "../measure/proc.ts";
import { summed, type Tally } from "../measure/tally.ts";

/** Makes the processes of a Throughline count what they say to each other and to PostgreSQL. */
export interface Counting {
  /** What it is to be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** What its processes have counted so far. */
  read(groups: readonly ProcessGroup[]): Promise<Tally>;
}

const answerWithinMs = 10_000;

/** Prepares a folder for what is counted. */
export async function prepareCounting(folder: string): Promise<Counting> {
  await mkdir(folder, { recursive: true });
  const module = new URL("../processes/counting.ts", import.meta.url);
  module.searchParams.set("folder", folder);
  return {
    env: { NODE_OPTIONS: `--import ${module.href}` },
    async read(groups) {
      const own = groups.filter(({ isDatabase }) => !isDatabase);
      return summed(await Promise.all(own.map(({ pid }) => tallyOf(folder, pid))));
    },
  };
}

async function tallyOf(folder: string, pid: number): Promise<Tally> {
  const file = join(folder, `${pid}.json`);
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (const untilMs = performance.now() + answerWithinMs; performance.now() < untilMs; await delay(5)) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as Tally;
  }
  throw new Error(`process ${pid} does not say what it counted`);
}
