import type { ChildProcess } from "node:child_process";

/** The parts of a process that signals reach; tests bring their own. */
export interface SignalSource {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  exit(code: number): void;
}

type Listener = (value: unknown) => void;

/** Argument of a process whose supervisor (`mesh`) says in which order its processes stop. */
export const supervisedFlag = "--supervised";

/** Time in which a signal to all processes of a control group reaches the supervisor too. */
const sameSignalMs = 1_000;

/** Signals that ask a process to stop. SIGHUP comes when the terminal is closed. */
export const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * What signals this process gets. Under a supervisor a signal is told to that one, which says when to stop: systemd sends
 * it to every process of the service at once, and services that stop together cannot finish each other's requests. Once
 * the supervisor is gone, its processes stop by themselves.
 */
export function processSignals(): SignalSource {
  const plain = process as unknown as SignalSource;
  if (process.send === undefined || !process.argv.includes(supervisedFlag)) return plain;
  const wrapped = new Map<Listener, Listener>();
  let told = false;
  let stop: Listener | undefined;

  const onTold = (): void => {
    if (told) return;
    told = true;
    stop?.("SIGTERM");
  };
  process.on("message", onTold);
  process.on("disconnect", onTold);
  process.channel?.unref();

  return {
    on(event, listener) {
      if (!Object.hasOwn(signalNumbers, event)) return plain.on(event, listener);
      if (event === "SIGTERM") stop = listener;
      const ask: Listener = (value) => {
        if (told || !process.connected) listener(value);
        else process.send?.({ signal: event }, () => undefined);
      };
      wrapped.set(listener, ask);
      return plain.on(event, ask);
    },
    off(event, listener) {
      if (stop === listener) stop = undefined;
      return plain.off(event, wrapped.get(listener) ?? listener);
    },
    exit: (code) => process.exit(code),
  };
}

/**
 * Answers a supervised child that was signalled: a signal for it alone stops it; one that reached this process too does
 * nothing, for then `tellToStop` comes in its turn.
 */
export function heedSignals(child: ChildProcess, stopping: () => boolean): void {
  child.on("message", () => {
    setTimeout(() => stopping() || tellToStop(child), sameSignalMs).unref();
  });
}

/** Has a supervised child stop in an orderly way. */
export function tellToStop(child: ChildProcess): void {
  if (child.connected) child.send({ stop: true }, () => undefined);
  else child.kill("SIGTERM");
}
