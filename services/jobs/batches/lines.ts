import { randomBytes } from "node:crypto";
import { persistently } from "../../../shared/persistently.ts";
import type { JobsContext } from "../context.ts";
import {
  claimEnded,
  claimLines,
  endLines,
  giveBackUnknown,
  type LineEnd,
  type LineRow,
  releaseEnded,
  retryLine,
  skipLines,
} from "../db/batch-lines.ts";
import { type ClosedLine, closeLines } from "../db/batch-results.ts";
import { pauseBatch, type RunningBatch, runningBatches } from "../db/batch-work.ts";
import { beatWorker, leaveWorker, recoverLines } from "../db/batch-workers.ts";
import { startLoop } from "../runner/loop.ts";
import { closeLine } from "./close-line.ts";
import { lineDialect } from "./dialects.ts";
import { finalizeOne } from "./finalize.ts";
import { gather } from "./gather.ts";
import { holdLines } from "./holds.ts";
import { createKnownBatches } from "./known-batches.ts";
import { type Line, readLine } from "./line-request.ts";
import { ended, type RunningLine, runLine, stopLine } from "./run-line.ts";
import { createShares } from "./shares.ts";
import { createTroubles } from "./troubles.ts";

/** What runs lines of batches in this process. */
export interface LineWorker {
  /** A batch may have lines that are to be run. */
  wake(): void;
  /** Lines that run now. */
  readonly running: number;
  /** What lines that are its to close bear as their worker. */
  readonly worker: bigint;
  /** Settles and records a line that has ended and bears its name. Never throws: what fails is tried again. */
  close(row: LineRow): Promise<void>;
  /** Takes no more lines, gives those that run a while, and leaves the rest to others. */
  stop(): Promise<void>;
}

/** A worker that was killed is taken for dead after this; it says that it lives three times in it. */
const aliveMs = 9_000;
/** Longest time between two looks: another process may have taken a batch in, or have died. */
const pauseMs = 1_000;
const retryMs = 1_000;
const stopGraceMs = 10_000;
/** Lines of one statement. */
const group = 100;
/** Batches that are looked at in one go. */
const batchesAtOnce = 50;

const cancelled = { code: "cancelled", message: "The batch was cancelled before this request was begun." };
const expired = { code: "expired", message: "This request could not be begun before the batch's time was over." };

/**
 * Runs lines of batches: a few of each batch at a time, taken, begun, ended and closed in groups, so that a line costs a part
 * of a statement each. What a line is, its row says at every moment; who dies is followed by another after 12 s at most.
 */
export function startLines(context: JobsContext): LineWorker {
  const { db, config, log } = context;
  const worker = BigInt(`0x${randomBytes(6).toString("hex")}`) + 1n;
  const known = createKnownBatches(db);
  const shares = createShares(config.batches);
  const troubles = createTroubles();
  const running = new Map<Promise<void>, RunningLine>();
  const closing = new Set<Promise<void>>();
  /** Lines that this worker has taken and not let go of. */
  const held = new Set<LineRow>();
  /** A claim may have taken lines although its answer did not come. */
  let isUnsure = false;
  const ending = gather<LineEnd, LineRow | undefined>(group, async (ends) => {
    const rows = await endLines(db, worker, ends);
    const byPlace = new Map(rows.map((row) => [placeOf(row.batch_id, row.line), row]));
    return ends.map(({ batchId, line }) => byPlace.get(placeOf(batchId, line)));
  });
  const closes = gather<ClosedLine, undefined>(group, async (lines) => {
    await closeLines(db, lines);
    return lines.map(() => undefined);
  });
  let after = 0n;
  let closeOthersAtMs = 0;
  let finalizing = false;

  /** Begins what is to be done; gives the time to the next look. */
  async function look(): Promise<number> {
    await first;
    if (isUnsure) await giveBackUnknown(db, worker, [...held]);
    isUnsure = true;
    const pause = await takeAndClose();
    isUnsure = false;
    return pause;
  }

  async function takeAndClose(): Promise<number> {
    await closeOthers();
    const batches = await runningBatches(db, after, batchesAtOnce);
    after = batches.length < batchesAtOnce ? 0n : (batches.at(-1)?.batch_id ?? 0n);
    let taken = 0;
    for (const batch of batches) taken += await takeFrom(batch, batches.length);
    if (!finalizing) finalize();
    return taken > 0 && shares.room() > 0 ? 0 : pauseMs;
  }

  /** Closes lines that have ended, and that nobody closes. */
  async function closeOthers(): Promise<void> {
    if (performance.now() < closeOthersAtMs || closing.size >= group) return;
    const rows = await claimEnded(db, worker, group);
    for (const row of rows) void close(row);
    closeOthersAtMs = rows.length === group ? 0 : performance.now() + pauseMs;
  }

  /** One batch after the other: its results are read and written as a whole. */
  function finalize(): void {
    finalizing = true;
    const work: Promise<void> = finalizeOne(context, worker)
      .then((did) => {
        if (did) loop.wake();
      }, failed)
      .finally(() => {
        finalizing = false;
        closing.delete(work);
      });
    closing.add(work);
  }

  /** Begins lines of a batch; gives how many. */
  async function takeFrom(batch: RunningBatch, waiting: number): Promise<number> {
    const { batch_id: batchId, account_id: accountId } = batch;
    if (batch.cancel_requested) {
      // Lines that run here are stopped, and their upstream is told. Lines that run elsewhere are stopped there.
      for (const line of running.values()) if (line.batchId === batchId) stopLine(line);
    }
    if (batch.cancel_requested || batch.is_over) {
      return skipLines(db, batchId, batch.cancel_requested ? cancelled : expired, 1_000);
    }
    const share = shares.shareOf(batchId, accountId, waiting);
    if (share === 0) return 0;
    const about = await known.of(batchId);
    const rows = await claimLines(db, batchId, Math.min(share, group), worker);
    if (about === undefined || rows.length === 0) return 0;
    for (const row of rows) held.add(row);
    const lines = rows.map((row) => readLine(row, about.routes));
    for (const { row } of lines) shares.take(row.batch_id, accountId);
    const work = holdLines(context, { batchId, accountId }, lines).then(
      (unheld) => {
        for (const line of lines) begin(line, accountId, unheld.get(line.row.line));
      },
      async (error: unknown) => {
        log.warn({ err: error, request_id: batchId.toString() }, "lines of a batch could not be begun; they wait");
        for (const { row } of lines) await giveBack(row, accountId, { unbegun: 1, inMs: retryMs });
      },
    );
    // The next lines of other batches need not wait for it.
    track(work, { batchId, cancel: undefined, isStopped: false });
    return rows.length;
  }

  function begin(line: Line, accountId: bigint, refused: Parameters<typeof ended>[1] | undefined): void {
    const state: RunningLine = { batchId: line.row.batch_id, cancel: undefined, isStopped: false };
    track(advance(line, accountId, refused, state), state);
  }

  async function advance(
    line: Line,
    accountId: bigint,
    refused: Parameters<typeof ended>[1] | undefined,
    state: RunningLine,
  ): Promise<void> {
    const { row } = line;
    const run = refused === undefined ? await runLine(context, line, state) : ended(row, refused, undefined);
    if (run.kind === "again") {
      const pausedMs = run.isCrowded ? troubles.failed(row.batch_id) : 0;
      if (pausedMs > 0) await pauseBatch(db, row.batch_id, pausedMs).catch(failed);
      await giveBack(row, accountId, { unbegun: 0, inMs: run.inMs });
      return;
    }
    troubles.ended(row.batch_id);
    try {
      // It was paid for: it waits for PostgreSQL for as long as the line is this worker's.
      const noted = await persistently(() => ending.add(run.end));
      if (noted !== undefined) void close(noted);
    } catch (error) {
      log.warn(
        { err: error, request_id: row.request_id.toString() },
        "the end of a line could not be noted; it is run again",
      );
      await persistently(() => retryLine(db, row, worker, { unbegun: 0, inMs: retryMs })).catch(failed);
    } finally {
      held.delete(row);
      shares.give(row.batch_id, accountId);
      if (shares.isWorthALook(row.batch_id)) loop.wake();
    }
  }

  async function giveBack(row: LineRow, accountId: bigint, how: Parameters<typeof retryLine>[3]): Promise<void> {
    await persistently(() => retryLine(db, row, worker, how)).catch(failed);
    held.delete(row);
    shares.give(row.batch_id, accountId);
  }

  /** Settles and records a line that has ended. */
  function close(row: LineRow): Promise<void> {
    held.add(row);
    const work: Promise<void> = (async () => {
      try {
        const about = await known.of(row.batch_id);
        if (about === undefined) return;
        const line = readLine(row, about.routes);
        await closes.add(await closeLine(context, line, about.said, lineDialect(about.said.endpoint)));
        if (shares.running() === 0) loop.wake();
      } catch (error) {
        log.warn(
          { err: error, request_id: row.request_id.toString() },
          "a line could not be closed; it is tried again",
        );
        await persistently(() => releaseEnded(db, row, worker)).catch(failed);
      }
    })().finally(() => {
      held.delete(row);
      closing.delete(work);
    });
    closing.add(work);
    return work;
  }

  function track(work: Promise<void>, state: RunningLine): void {
    const tracked: Promise<void> = work.catch(failed).finally(() => {
      running.delete(tracked);
    });
    running.set(tracked, state);
  }

  function failed(error: unknown): void {
    isUnsure = true;
    log.warn({ err: error }, "a step of a batch failed; it is taken again");
  }

  let livesSinceMs = performance.now();
  const beat = async (): Promise<void> => {
    if (!(await beatWorker(db, worker, aliveMs))) livesSinceMs = performance.now();
    // By now those that live have said so: PostgreSQL may have been away for all of them.
    if (performance.now() - livesSinceMs >= aliveMs / 2) await recoverLines(db, worker);
  };
  const first = beat().catch(failed);
  const heart = setInterval(() => void beat().then(loop.wake, failed), aliveMs / 3).unref();
  const loop = startLoop(log, look);
  return {
    wake: loop.wake,
    worker,
    close,
    get running() {
      return shares.running();
    },
    async stop() {
      await loop.stop();
      const grace = setTimeout(() => {
        for (const { cancel } of running.values()) cancel?.();
      }, stopGraceMs);
      while (running.size + closing.size > 0) await Promise.allSettled([...running.keys(), ...closing]);
      clearTimeout(grace);
      clearInterval(heart);
      await leaveWorker(db, worker).catch(failed);
    },
  };
}

const placeOf = (batchId: bigint, line: number): string => `${batchId} ${line}`;
