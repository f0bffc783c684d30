import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ThroughlineError } from "../errors/error.ts";
import { toWireError } from "../errors/wire.ts";
import type { CallOptions } from "../rpc/index.ts";
import { giveWay } from "./give-way.ts";
import type { FromThread, ToThread } from "./protocol.ts";

/** What a thread does. */
export interface ThreadWork {
  /** Answers one call. The buffers of `transfer` are handed over and not copied. */
  run(input: unknown, options: CallOptions): Promise<{ output: unknown; transfer?: readonly ArrayBuffer[] }>;
  /** Lets go of what it holds. */
  stop(): Promise<void>;
}

/** The thread's side of `createThread`: call it once, from the file that the thread runs. `make` is given the thread's data. */
export async function serveThread(make: (data: unknown) => Promise<ThreadWork>): Promise<void> {
  if (parentPort === null) throw new Error("this file is run as a thread");
  const port: MessagePort = parentPort;
  const say = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  giveWay();
  const work = await make(workerData);
  const running = new Map<number, AbortController>();
  const answers = new Set<Promise<void>>();

  async function run(call: Extract<ToThread, { kind: "call" }>): Promise<void> {
    const { id, input, requestId, traceparent, timeoutMs } = call;
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const { signal } = controller;
      const { output, transfer } = await work.run(input, { requestId, traceparent, timeoutMs, signal });
      say({ kind: "answer", id, output }, transfer);
    } catch (thrown) {
      const error = ThroughlineError.from(thrown);
      if (error.code === "internal_error") say({ kind: "fault", text: faultText(error) });
      say({ kind: "error", id, error: toWireError(error) });
    } finally {
      running.delete(id);
    }
  }

  port.on("message", (message: ToThread) => {
    if (message.kind === "cancel") running.get(message.id)?.abort();
    else if (message.kind === "stop") void stop();
    else {
      const answer = run(message).finally(() => answers.delete(answer));
      answers.add(answer);
    }
  });

  async function stop(): Promise<void> {
    await Promise.all(answers);
    await work.stop().finally(() => port.close());
  }

  say({ kind: "ready" });
}

function faultText({ cause }: ThroughlineError): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
