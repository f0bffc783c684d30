import { readdirSync } from "node:fs";
import { type ProcessGroup, pidsOf, readProc } from "./proc.ts";

/** What the kernel counts of processes. undefined: it does not tell. */
export interface Counters {
  /** Voluntary context switches of all threads: each is a wait for something. */
  readonly switches: number | undefined;
  /** Reads and writes, of sockets too; `send` and `recv`, which PostgreSQL calls, are not among them. */
  readonly calls: number | undefined;
  /** Bytes of those writes. */
  readonly writtenBytes: number | undefined;
}

/** Starts to count; the function it gives tells what was counted since. Processes and threads that end meanwhile are left out. */
export function countProcesses(groups: readonly ProcessGroup[]): () => Counters {
  const before = read(groups);
  return () => {
    const now = read(groups);
    return {
      switches: difference(before.switches, now.switches),
      calls: difference(before.calls, now.calls),
      writtenBytes: difference(before.writtenBytes, now.writtenBytes),
    };
  };
}

/** Counts by process or thread. */
type Counted = Map<number, number>;

function read(groups: readonly ProcessGroup[]): Record<keyof Counters, Counted> {
  const switches: Counted = new Map();
  const calls: Counted = new Map();
  const writtenBytes: Counted = new Map();
  for (const pid of groups.flatMap(pidsOf)) {
    for (const thread of threadsOf(pid)) {
      const waits = numberIn(readProc(`/proc/${pid}/task/${thread}/status`), "voluntary_ctxt_switches");
      if (waits !== undefined) switches.set(thread, waits);
    }
    const io = readProc(`/proc/${pid}/io`);
    const [reads, writes, bytes] = ["syscr", "syscw", "wchar"].map((name) => numberIn(io, name));
    if (reads === undefined || writes === undefined || bytes === undefined) continue;
    calls.set(pid, reads + writes);
    writtenBytes.set(pid, bytes);
  }
  return { switches, calls, writtenBytes };
}

/** The number of a line such as `syscr: 12`. */
function numberIn(text: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** The sum of what rose; what is new began at 0. */
function difference(before: Counted, now: Counted): number | undefined {
  if (now.size === 0) return undefined;
  let total = 0;
  for (const [id, value] of now) total += value - (before.get(id) ?? 0);
  return total;
}
