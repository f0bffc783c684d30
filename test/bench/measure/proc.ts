import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Processes that are counted as one, e.g. a PostgreSQL server with its backends. */
export interface ProcessGroup {
  readonly name: string;
  /** True: the database, which is also shown apart. */
  readonly isDatabase: boolean;
  readonly pid: number;
  /** True: children of `pid` belong to it. */
  readonly withChildren: boolean;
}

/** Hertz of the times in /proc/<pid>/stat. */
const ticksPerSecond = (() => {
  try {
    return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) || 100;
  } catch {
    return 100;
  }
})();

/** CPU milliseconds (user + system) that a group has used so far. */
export function cpuMs(group: ProcessGroup): number {
  let ticks = 0;
  for (const { pid, stat } of members(group)) {
    // Fields 14 to 17 of proc_pid_stat(5), counted from the state: utime, stime, and those of children that have ended.
    ticks += Number(stat[11]) + Number(stat[12]);
    if (group.withChildren && pid === group.pid) ticks += Number(stat[13]) + Number(stat[14]);
  }
  return (ticks * 1_000) / ticksPerSecond;
}

/** Memory of a group in MB: pages shared by several processes are divided among them where the system tells, else the sum of resident sets. */
export function memoryMb(group: ProcessGroup): number {
  let kb = 0;
  for (const { pid } of members(group)) {
    const text = read(`/proc/${pid}/smaps_rollup`) ?? read(`/proc/${pid}/status`) ?? "";
    kb += Number(/^(?:Pss|VmRSS):\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  }
  return kb / 1_024;
}

/** Waits until the groups rest: less than `share` of a core over 200 ms, or `withinMs` have passed. Gives whether they do. */
export async function quiet(groups: readonly ProcessGroup[], share = 0.1, withinMs = 10_000): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  const used = (): number => groups.reduce((sum, group) => sum + cpuMs(group), 0);
  for (let before = used(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = used();
    if (now - before <= share * 200) return true;
    if (performance.now() > untilMs) return false;
    before = now;
  }
}

/** The processes of a group as they are now. */
export function pidsOf(group: ProcessGroup): number[] {
  return members(group).map(({ pid }) => pid);
}

/** A file of /proc; undefined: its process has ended, or another user's is not ours to read. */
export function readProc(path: string): string | undefined {
  return read(path);
}

interface Member {
  readonly pid: number;
  readonly stat: readonly string[];
}

function members({ pid, withChildren }: ProcessGroup): Member[] {
  const found: Member[] = [];
  const own = readStat(pid);
  if (own !== undefined) found.push({ pid, stat: own });
  if (!withChildren) return found;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(Number(entry));
    if (stat?.[1] === String(pid)) found.push({ pid: Number(entry), stat });
  }
  return found;
}

/** The fields behind the name, which may hold blanks. */
function readStat(pid: number): string[] | undefined {
  return read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
