import type { Subject } from "../subjects/subject.ts";
import { memoryMb, quiet } from "./proc.ts";

/** MB that the processes without the database hold, after a collection of their garbage: they are started with `crowdEnv`. */
export async function heldMb(subject: Subject): Promise<number> {
  const groups = subject.processes().filter(({ isDatabase }) => !isDatabase);
  for (const { pid } of groups) process.kill(pid, "SIGUSR2");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await quiet(groups, 0.1, 5_000);
  return groups.reduce((sum, group) => sum + memoryMb(group), 0);
}
