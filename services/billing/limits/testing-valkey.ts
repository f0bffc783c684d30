import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../../shared/free-ports.ts";

/** A Valkey or Redis server for a test. */
export interface TestValkey extends AsyncDisposable {
  readonly url: string;
  /** Ends the server at once; its data is gone. */
  kill(): Promise<void>;
  /** Stops it so that it hangs: its connections stay, and nothing is answered. */
  hang(): void;
  /** Lets it go on. */
  goOn(): void;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
}

/** The server program of this machine; undefined where there is none. */
export const valkeyProgram = ["valkey-server", "redis-server"].find(
  (program) => spawnSync(program, ["--version"]).status === 0,
);

/** Starts a server on a free port of this machine. */
export async function startValkey(program: string): Promise<TestValkey> {
  const port = await freePort();
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    child = spawn(program, args, { stdio: "ignore" });
    for (let tries = 0; !(await accepts(port)); tries++) {
      if (tries > 500) throw new Error(`${program} did not start`);
      await delay(10);
    }
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    hang: () => void child?.kill("SIGSTOP"),
    goOn: () => void child?.kill("SIGCONT"),
    restart: start,
    [Symbol.asyncDispose]: kill,
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
