import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The command line as a process of its own, with the environment that `env` gives when a command starts. */
export function testCommands(env: () => Readonly<Record<string, string>>) {
  /** Runs a command to its end. */
  const run = async (args: readonly string[], more: Record<string, string> = {}, input = "") => {
    const child = start(args, more);
    child.child.stdin.end(input);
    const code = await child.ended;
    return { code, out: child.out(), err: child.err() };
  };
  const start = (args: readonly string[], more: Record<string, string> = {}) => {
    const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), ...args], {
      env: { ...env(), ...more },
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      err += data.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, ended, out: () => out, err: () => err };
  };
  /** Runs a command that must succeed with --json and gives what it printed. */
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { code, out, err } = await run([...args, "--json"]);
    expect([code, err]).toEqual([0, ""]);
    return JSON.parse(out) as T;
  };
  return { run, start, json };
}
