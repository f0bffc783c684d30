import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { watchOver } from "../../../shared/watchdog.ts";
import { openConnection } from "../load/connection.ts";
import { chatRequest, type Target } from "../load/request.ts";

/** A process of the bench. */
export interface Spawned {
  readonly pid: number;
  /** Performance.now() at which it was started. */
  readonly spawnedMs: number;
  /** What it printed so far. */
  output(): string;
  /** Rejects when it ends before it was told to. */
  readonly ended: Promise<never>;
  /** Resolves when it has ended, however that came. */
  readonly gone: Promise<unknown>;
  stop(): Promise<void>;
}

const stopWithinMs = 30_000;

/** What to start. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment but PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Its output is added to this file. */
  readonly outputFile: string;
}

/**
 * Starts a process with nothing of this one's environment but PATH. It has a session of its own, so that a Ctrl-C in the
 * terminal reaches the bench alone, which ends its processes in order; should the bench be killed, a watchdog ends this one.
 */
export function spawnProcess({ command, args, env, outputFile }: Start): Spawned {
  const spawnedMs = performance.now();
  const descriptor = openSync(outputFile, "a");
  const child: ChildProcess = spawn(command, args, {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", descriptor, descriptor],
    detached: true,
  });
  closeSync(descriptor);
  const dismiss = child.pid === undefined ? () => undefined : watchOver(child.pid);
  const output = (): string => readFileSync(outputFile, "utf8");
  const gone = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  void gone.then(dismiss);
  let stopping = false;
  const ended = gone.then((how) => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`${[command, ...args].join(" ")} ${how}:\n${output().slice(-2_000)}`);
  });
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    spawnedMs,
    output,
    ended,
    gone,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** The port that a process says it listens on. */
export async function listeningPort(child: Spawned): Promise<number> {
  for (;;) {
    const port = /listening (\d+)/.exec(child.output())?.[1];
    if (port !== undefined) return Number(port);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), child.ended]);
  }
}

const answerWithinMs = 180_000;

/** Asks until there is a first good answer; gives the milliseconds since the process was started. */
export async function firstAnswer(target: Target, child: Spawned): Promise<number> {
  const request = chatRequest(target, { kind: "answer", delayMs: 0 });
  for (;;) {
    const status = await Promise.race([child.ended, ask(target, request)]);
    if (status === 200) return performance.now() - child.spawnedMs;
    if (performance.now() - child.spawnedMs > answerWithinMs)
      throw new Error(`no answer from port ${target.port} (last status ${status}):\n${child.output().slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Status of one answer; 0: none. */
async function ask(target: Target, request: Buffer): Promise<number> {
  try {
    const connection = await openConnection(target.host, target.port);
    const status = await new Promise<number>((resolve) => {
      const timer = setTimeout(() => resolve(0), 5_000);
      connection.send(request, (reply) => {
        clearTimeout(timer);
        resolve(reply?.status ?? 0);
      });
    });
    connection.close();
    return status;
  } catch {
    return 0;
  }
}
