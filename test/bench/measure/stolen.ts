import { readFileSync } from "node:fs";

/**
 * Starts to watch how much of the cores' time a hypervisor gave to others while this machine wanted it: figures taken
 * meanwhile say less. The function gives the share so far, 0 to 1; 0 where the system does not tell (proc_stat(5)).
 */
export function watchStolen(): () => number {
  const start = read();
  return () => {
    const { stolen, all } = read();
    return all > start.all ? (stolen - start.stolen) / (all - start.all) : 0;
  };
}

function read(): { stolen: number; all: number } {
  let line: string;
  try {
    line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  } catch {
    return { stolen: 0, all: 0 };
  }
  // user, nice, system, idle, iowait, irq, softirq, steal; guest time is part of user.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, value) => sum + value, 0) };
}
