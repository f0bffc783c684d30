import { spawn } from "node:child_process";

/** Waits for a line or the end of its input; the end comes only by the death of the process at the other end. */
const script = 'read -r word; [ "$word" = done ] || kill -INT "$1"';

/**
 * Has a child of ours shut down in an orderly way (SIGINT) should this process die without stopping it, by `kill -9` too: a
 * shell waits on a pipe that the system closes with this process. Gives the function that sends it away. Not on Windows.
 */
export function watchOver(pid: number): () => void {
  if (process.platform === "win32") return () => undefined;
  const watchdog = spawn("/bin/sh", ["-c", script, "sh", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: {},
    cwd: "/",
    detached: true,
  });
  // Without a watchdog all else works.
  watchdog.on("error", () => undefined);
  watchdog.stdin.on("error", () => undefined);
  watchdog.unref();
  if ("unref" in watchdog.stdin && typeof watchdog.stdin.unref === "function") watchdog.stdin.unref();
  return () => watchdog.stdin.end("done\n");
}
