import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How the folders of benches begin. */
export const folderPrefix = "throughline-bench-";

/** File in such a folder that says whose it is. */
const ownerFile = "owner";

/** Notes that a folder is this process's. */
export async function claim(folder: string): Promise<void> {
  await writeFile(join(folder, ownerFile), ownerOf(process.pid, await startOf(process.pid)));
}

/**
 * Removes the folders of benches that were killed: their processes are ended by watchdogs, and a database of a full run takes
 * hundreds of MB. Folders of benches that still run stay, and so do those without a note, which may be younger than it.
 */
export async function clearAway(within: string): Promise<void> {
  for (const name of await readdir(within)) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = join(within, name);
    const owner = await readFile(join(folder, ownerFile), "utf8").catch(() => undefined);
    if (owner === undefined) continue;
    const pid = Number(owner.split(" ")[0]);
    if (owner === ownerOf(pid, await startOf(pid))) continue;
    // Another user's is not ours to remove.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function ownerOf(pid: number, start: string): string {
  return `${pid} ${start}`;
}

/** When a process was started, in ticks since the machine's start: another one with its number is not it. Empty: there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.split(") ").at(-1)?.split(" ")[19] ?? "";
}
