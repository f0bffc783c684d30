import { Agent, request } from "node:http";
import type { Behaviour } from "./behaviour.ts";

/** A file that was uploaded, or that a batch has made. */
export interface SimulatedFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: Buffer;
  readonly createdAtMs: number;
}

/** A request of a batch. */
export interface BatchLine {
  readonly customId: string;
  readonly path: string;
  /** JSON. */
  readonly body: string;
}

/** What came of one. */
export interface BatchResult {
  readonly line: BatchLine;
  /** 0: it was not run. */
  readonly status: number;
  readonly requestId: string;
  /** JSON. */
  readonly body: string;
}

/** A batch that the simulator runs. */
export interface SimulatedBatch {
  readonly id: string;
  readonly behaviour: Behaviour;
  readonly lines: readonly BatchLine[];
  readonly createdAtMs: number;
  /** What its creator said, as its vendor shows it. */
  readonly said: Readonly<Record<string, unknown>>;
  /** Unix milliseconds. 0: nobody wants its end. */
  cancelledAtMs: number;
  /** Times that it was asked after. */
  polls: number;
  /** All lines that are run have been. */
  isRun: boolean;
  /** In the order in which they are told, which is not that of the lines. */
  results: readonly BatchResult[];
  /** Files of its results, once they are made. */
  files: { readonly output: string; readonly errors: string } | undefined;
}

/** Where a batch stands. */
export type BatchMoment =
  | "waiting"
  | "running"
  | "cancelling"
  | "refused"
  | "done"
  | "cancelled"
  | "expired"
  | "forgotten";

/** The files and batches of one simulator. */
export interface BatchStore {
  addFile(file: Omit<SimulatedFile, "id" | "createdAtMs">): SimulatedFile;
  findFile(id: string): SimulatedFile | undefined;
  deleteFile(id: string): boolean;
  add(prefix: string, batch: Pick<SimulatedBatch, "behaviour" | "lines" | "said">, headers: Headers): SimulatedBatch;
  find(id: string): SimulatedBatch | undefined;
  delete(id: string): boolean;
  /** Newest first. */
  list(): readonly SimulatedBatch[];
}

type Headers = Readonly<Record<string, string>>;

/** Lines that run at the same time. */
const atOnce = 32;
/** Marks a request that a line is; it is none that came to the simulator. */
export const lineHeader = "x-throughline-simulator-line";

/**
 * Creates an empty store. `run` stands in its IDs. Lines are run by the simulator's own endpoints, so that they answer and misbehave
 * as any request does. @param portOf the simulator's own port, known once it listens.
 */
export function createBatchStore(run: string, portOf: () => number): BatchStore {
  const files = new Map<string, SimulatedFile>();
  const batches = new Map<string, SimulatedBatch>();
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let sequence = 0;
  const idOf = (prefix: string): string => {
    sequence += 1;
    return `${prefix}_sim_${run}${sequence.toString(36).padStart(6, "0")}`;
  };

  function ask({ path, body }: BatchLine, headers: Headers): Promise<Omit<BatchResult, "line">> {
    return new Promise((resolve) => {
      const gone = () => resolve({ status: 500, requestId: "", body: '{"error":{"message":"Simulated: no answer."}}' });
      const call = request(
        {
          ...{ agent, host: "127.0.0.1", port: portOf(), path, method: "POST" },
          headers: { ...headers, "content-type": "application/json", [lineHeader]: "1" },
        },
        (answer) => {
          const pieces: Buffer[] = [];
          answer.on("data", (piece: Buffer) => pieces.push(piece));
          answer.on("error", gone);
          answer.on("end", () => {
            const requestId = String(answer.headers["x-request-id"] ?? answer.headers["request-id"] ?? "");
            resolve({ status: answer.statusCode ?? 500, requestId, body: Buffer.concat(pieces).toString() });
          });
        },
      );
      call.on("error", gone);
      call.end(body);
    });
  }

  async function runLines(batch: SimulatedBatch, headers: Headers): Promise<void> {
    const { lines, behaviour } = batch;
    const results: BatchResult[] = lines.map((line) => ({ line, status: 0, requestId: "", body: "" }));
    let next = 0;
    const runSome = async (): Promise<void> => {
      for (let i = next++; i < lines.length; i = next++) {
        const line = lines[i];
        if (line !== undefined) results[i] = { line, ...(await ask(line, headers)) };
      }
    };
    await Promise.all(Array.from({ length: atOnce }, runSome));
    const kept = results.filter((_result, i) => !behaviour.batchMisses || i % 10 !== 3);
    batch.results = behaviour.batchTwice
      ? kept.flatMap((result, i) => (i % 10 === 5 ? [result, result] : [result]))
      : kept;
    batch.isRun = true;
  }

  return {
    addFile(given) {
      const file = { ...given, id: idOf("file"), createdAtMs: Date.now() };
      files.set(file.id, file);
      return file;
    },
    findFile: (id) => files.get(id),
    deleteFile: (id) => files.delete(id),
    add(prefix, given, headers) {
      const batch: SimulatedBatch = {
        ...{ ...given, id: idOf(prefix), createdAtMs: Date.now(), cancelledAtMs: 0, polls: 0, isRun: false },
        ...{ results: [], files: undefined },
      };
      batches.set(batch.id, batch);
      void runLines(batch, headers);
      return batch;
    },
    find: (id) => batches.get(id),
    delete: (id) => batches.delete(id),
    list: () => [...batches.values()].reverse(),
  };
}

/** Where a batch stands at a time: its behaviour, the clock and the end of its lines decide. */
export function batchMoment(batch: SimulatedBatch, nowMs: number): BatchMoment {
  const { behaviour, createdAtMs, cancelledAtMs, isRun } = batch;
  const { job, jobQueueMs, jobRunMs } = behaviour;
  const ranMs = nowMs - createdAtMs - jobQueueMs;
  const isOver = ranMs >= jobRunMs && isRun && job !== "stuck";
  if (isOver && job === "forgotten") return "forgotten";
  if (isOver && job === "fails") return "refused";
  if (cancelledAtMs > 0 && cancelledAtMs < createdAtMs + jobQueueMs + jobRunMs + (job === "stuck" ? Infinity : 0)) {
    return isRun && nowMs - cancelledAtMs >= 200 ? "cancelled" : "cancelling";
  }
  if (isOver) return behaviour.batchExpires ? "expired" : "done";
  return ranMs < 0 ? "waiting" : "running";
}

/** The results as they are told: of a batch that did not come to its end every other line was not run. */
export function toldResults({ results }: SimulatedBatch, moment: BatchMoment): readonly BatchResult[] {
  if (moment === "done") return results;
  return results.map((result, i) => (i % 2 === 0 ? result : { ...result, status: 0 }));
}
