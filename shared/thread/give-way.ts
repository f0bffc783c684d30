import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** Niceness, from 0 to 19: a thread of 0 gets the core when it wants it. */
const background = 10;

/**
 * Has the calling thread give way to those that answer requests. Linux knows the priority of each thread by its number, which Node does
 * not tell. Elsewhere, or where it is refused, the thread works as the others do.
 */
export function giveWay(): void {
  try {
    const [, id] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    if (id !== undefined) setPriority(Number(id), background);
  } catch {
    // No Linux, or not allowed.
  }
}
