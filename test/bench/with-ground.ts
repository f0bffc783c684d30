import { constants } from "node:os";
import { type Ground, openBenchGround } from "./subjects/ground.ts";

/** The bench was told to stop. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`told to stop by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs something on a ground of its own. When it ends, and when the bench is told to stop, all processes are ended and the folder is
 * removed. `say` is told when that begins for a signal; a second signal does not make it quicker, as ends take seconds.
 */
export async function withGround<T>(say: (text: string) => void, run: (ground: Ground) => Promise<T>): Promise<T> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  // It may come while the ground is still being made.
  interrupted.catch(() => undefined);
  const onSignal = (signal: NodeJS.Signals): void => {
    say(`${signal}: ending what runs`);
    reject(new Interrupted(signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await using ground = await openBenchGround();
    return await Promise.race([run(ground), interrupted]);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}
