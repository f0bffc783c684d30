import { execFileSync } from "node:child_process";
import { cpus, loadavg, release } from "node:os";
import { root } from "../subjects/ground.ts";
import { watchStolen } from "./stolen.ts";

/** Where and when figures were taken. */
export interface Machine {
  readonly date: string;
  /** The commit whose code ran, with a `+` where files but the documents differed from it; absent in older runs and outside of a clone. */
  readonly commit?: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Load average of the minute before: what else ran. */
  readonly loadBefore: number;
  /** Share of the cores' time, 0 to 1, that a hypervisor gave to others meanwhile: what is above a few percent blurs latencies. */
  readonly stolenShare: number;
}

/** Where the bench runs; the function it gives tells it at the end. */
export function watchMachine(): () => Machine {
  const stolen = watchStolen();
  const loadBefore = loadavg()[0] ?? 0;
  // As it is before the run: the checkout may move on meanwhile.
  const commit = commitOf(root);
  return () => ({
    date: new Date().toISOString().slice(0, 10),
    ...commit,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    loadBefore,
    stolenShare: stolen(),
  });
}

/** A machine in words, for the line above a table. */
export function machineText({ date, commit, cores, cpu, kernel, node, loadBefore, stolenShare }: Machine): string {
  return (
    `${date}, ${commit === undefined ? "" : `commit ${commit}, `}${cores} cores of ${cpu}, Linux ${kernel}, Node ${node}; load average before: ${loadBefore.toFixed(2)}; ` +
    `the hypervisor gave ${(stolenShare * 100).toFixed(1)} % of the cores' time to others.`
  );
}

function commitOf(folder: string): Pick<Machine, "commit"> {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs") === "" ? "" : "+";
    return { commit: `${git("rev-parse", "--short", "HEAD")}${changed}` };
  } catch {
    return {};
  }
}
