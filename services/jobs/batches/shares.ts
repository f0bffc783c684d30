/** Most lines that run at the same moment in one process. */
export interface LineLimits {
  readonly linesAtOnce: number;
  readonly accountLinesAtOnce: number;
  readonly batchLinesAtOnce: number;
}

/** How many lines of each batch and each account run, and how many more may. */
export interface Shares {
  /** Lines that may be begun in all. */
  room(): number;
  /** Lines that run. */
  running(): number;
  /** Lines that a batch may begin now, where so many batches wait: each has an equal part, and what others leave. */
  shareOf(batchId: bigint, accountId: bigint, waiting: number): number;
  /** Enough places of a batch have become free for a statement. */
  isWorthALook(batchId: bigint): boolean;
  take(batchId: bigint, accountId: bigint): void;
  give(batchId: bigint, accountId: bigint): void;
}

/** Creates the counts of a process. */
export function createShares({ linesAtOnce, accountLinesAtOnce, batchLinesAtOnce }: LineLimits): Shares {
  const byBatch = new Map<bigint, number>();
  const byAccount = new Map<bigint, number>();
  let running = 0;

  function add(counts: Map<bigint, number>, id: bigint, lines: number): void {
    const count = (counts.get(id) ?? 0) + lines;
    if (count > 0) counts.set(id, count);
    else counts.delete(id);
  }

  return {
    room: () => linesAtOnce - running,
    running: () => running,
    shareOf(batchId, accountId, waiting) {
      const own = byBatch.get(batchId) ?? 0;
      const equal = Math.max(1, Math.ceil(linesAtOnce / Math.max(1, waiting)));
      const most = Math.min(
        linesAtOnce - running,
        Math.min(equal, batchLinesAtOnce) - own,
        accountLinesAtOnce - (byAccount.get(accountId) ?? 0),
      );
      // A few places that have become free are filled together, so that a statement takes several lines.
      const worthIt = Math.ceil(Math.min(equal, batchLinesAtOnce) / 4);
      return own > 0 && most < worthIt ? 0 : Math.max(0, most);
    },
    isWorthALook: (batchId) => (byBatch.get(batchId) ?? 0) <= batchLinesAtOnce * 0.75,
    take(batchId, accountId) {
      running += 1;
      add(byBatch, batchId, 1);
      add(byAccount, accountId, 1);
    },
    give(batchId, accountId) {
      running -= 1;
      add(byBatch, batchId, -1);
      add(byAccount, accountId, -1);
    },
  };
}
