import { readdirSync, readFileSync } from "node:fs";

/** Hertz of the times in /proc. */
const ticksPerSecond = 100;

/** CPU time in microseconds that a server and its children have used so far, those that have ended included. */
export function serverCpuUs(postmasterPid: number): number {
  let ticks = 0;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    if (stat === undefined) continue;
    const isPostmaster = entry === String(postmasterPid);
    if (!isPostmaster && stat[1] !== String(postmasterPid)) continue;
    // Fields 14 to 17 of proc_pid_stat(5), counted from the state: utime, stime, and those of reaped children.
    ticks += Number(stat[11]) + Number(stat[12]) + (isPostmaster ? Number(stat[13]) + Number(stat[14]) : 0);
  }
  return (ticks * 1_000_000) / ticksPerSecond;
}

/** The fields behind the name, which may hold blanks. */
function readStat(pid: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
  } catch {
    return undefined;
  }
}
