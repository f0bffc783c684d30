import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { startOfProcess } from "./process-identity.ts";

/** Two that take over from the same dead owner at the same moment are told apart after this time. */
const settleMs = 50;

/**
 * Claims the data directory for this process, by a file that names its owner; a file whose owner is dead is replaced.
 * Throws when another living process holds it. Gives the function that releases the claim.
 */
export async function claim(file: string): Promise<() => void> {
  const mine = JSON.stringify({ pid: process.pid, started: await startOfProcess(process.pid) });
  const release = (): void => {
    if (read(file) === mine) rmSync(file, { force: true });
  };
  if (tryCreate(file, mine)) return release;
  const found = read(file);
  const holder = await livingHolder(found);
  if (holder !== undefined) {
    throw new Error(`The data directory is in use by process ${holder} (${file}): stop it, or name another directory`);
  }
  // No await between the look and the replacement.
  if (read(file) === found) rmSync(file, { force: true });
  tryCreate(file, mine);
  await delay(settleMs);
  if (read(file) !== mine) throw new Error(`Another process has just claimed the data directory (${file})`);
  return release;
}

function tryCreate(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

async function livingHolder(content: string | undefined): Promise<number | undefined> {
  try {
    const { pid, started } = JSON.parse(content ?? "") as { pid: number; started?: string };
    return started !== undefined && (await startOfProcess(pid)) === started ? pid : undefined;
  } catch {
    return undefined; // Empty or cut off: its writer died while writing.
  }
}
