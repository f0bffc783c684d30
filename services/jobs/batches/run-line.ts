import { toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import { type Outcome, OutcomeSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import type { LineEnd } from "../db/batch-lines.ts";
import { keptError } from "../db/kept-error.ts";
import { type Again, fateOf } from "../domain/line-fate.ts";
import type { Line } from "./line-request.ts";

/** What came of running a line: its end, or the time after which it is run again. */
export type LineRun = { readonly kind: "ended"; readonly end: LineEnd; readonly isAnswered: boolean } | Again;

/** A line's part in the life of its worker. */
export interface RunningLine {
  readonly batchId: bigint;
  /** Set by the run: breaks it off. */
  cancel: (() => void) | undefined;
  /** Somebody wants the end of its batch. */
  isStopped: boolean;
}

/** Stops a line, for somebody wants the end of its batch. */
export function stopLine(line: RunningLine): void {
  line.isStopped = true;
  line.cancel?.();
}

/** Longest time that an upstream may take for a line. */
const runTimeoutMs = 15 * 60_000;

/** Has the provider answer a line. Never throws what the line ends with. */
export async function runLine(
  { provider, random }: Pick<JobsContext, "provider" | "random">,
  line: Line,
  running: RunningLine,
): Promise<LineRun> {
  const { row, said, item } = line;
  if (item === undefined)
    return ended(row, new ThroughlineError("internal_error", "The line has no route."), undefined);
  if (running.isStopped) return ended(row, stopped(), undefined);
  const stream = provider.invoke.open(
    {
      ...item,
      // Settlement and record are ours to make, so the provider is given no facts.
      facts: undefined,
      body: row.body ?? new Uint8Array(),
      headers: { ...item.headers, ...said.headers },
      estimatedInputTokens: said.estimatedInputTokens,
      outputCeiling: said.outputCeiling,
    },
    { requestId: row.request_id, traceparent: "", timeoutMs: runTimeoutMs, frameBytes: (frame) => frame.data.length },
  );
  running.cancel = () => stream.cancel();
  const pieces: Uint8Array[] = [];
  let outcome: Outcome | undefined;
  let error: ThroughlineError | undefined;
  try {
    for await (const frame of stream) pieces.push(frame.data);
    outcome = await stream.outcome;
    if (outcome.error !== undefined) error = fromWireError(outcome.error);
    // It was broken off, so what came is not the answer.
    else if (outcome.cancelled) error = new ThroughlineError("upstream_timeout", "The line was broken off.");
  } catch (thrown) {
    error = ThroughlineError.from(thrown);
    outcome = await stream.outcome.catch(() => undefined);
  } finally {
    running.cancel = undefined;
  }
  if (error === undefined) {
    const end = {
      batchId: row.batch_id,
      line: row.line,
      outcome: kept(outcome),
      answer: Buffer.concat(pieces),
      error: undefined,
    };
    return { kind: "ended", end, isAnswered: true };
  }
  if (running.isStopped) return ended(row, stopped(), outcome);
  const fate = fateOf(error.code, row.tries, random());
  return fate.kind === "again" ? fate : ended(row, error, outcome);
}

function stopped(): ThroughlineError {
  return new ThroughlineError("cancelled", "The batch was cancelled while this request ran.");
}

/** A line that failed. */
export function ended(row: Line["row"], error: ThroughlineError, outcome: Outcome | undefined): LineRun {
  const end = {
    batchId: row.batch_id,
    line: row.line,
    outcome: kept(outcome),
    answer: undefined,
    error: keptError(error),
  };
  return { kind: "ended", end, isAnswered: false };
}

function kept(outcome: Outcome | undefined): Uint8Array | undefined {
  return outcome === undefined ? undefined : toBinary(OutcomeSchema, outcome);
}
