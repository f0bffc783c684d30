/** Failures of a batch's lines in a row: an upstream that is away is left alone, for longer each time. */
export interface Troubles {
  /** A line failed and will be run again. Gives the milliseconds that its batch rests; 0: it goes on. */
  failed(batchId: bigint): number;
  /** A line has ended: the upstreams of its batch are there. */
  ended(batchId: bigint): void;
}

/** So many failures with no end between them say that it is not one line's fault. */
const enough = 16;
const pauses = { firstMs: 1_000, mostMs: 60_000 };

/** Creates the memory of a process; what it has forgotten it learns again. */
export function createTroubles(): Troubles {
  const inARow = new Map<bigint, number>();
  return {
    failed(batchId) {
      const count = (inARow.get(batchId) ?? 0) + 1;
      inARow.set(batchId, count);
      if (count < enough || count % enough !== 0) return 0;
      return Math.min(pauses.mostMs, pauses.firstMs * 2 ** Math.min(16, count / enough - 1));
    },
    ended(batchId) {
      inARow.delete(batchId);
    },
  };
}
