import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * When a process started, as a text that no later process of the same number shares; undefined: no such process (a
 * zombie counts as none).
 */
export async function startOfProcess(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name stands in brackets and may hold anything; the state is field 3, the start (in ticks since boot) field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  }
  const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.trim() === "" ? undefined : stdout.trim();
}

/**
 * Whether a process is a postmaster on this data directory. Told by its command line: reading another user's `cwd` needs
 * the right to trace it, which root lacks in a plain container.
 */
export async function isPostmasterOf(pid: number, directory: string): Promise<boolean> {
  if (process.platform === "linux") {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    return (words[0]?.endsWith("postgres") ?? false) && words.includes(directory);
  }
  const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.includes("postgres") && stdout.includes(directory);
}
