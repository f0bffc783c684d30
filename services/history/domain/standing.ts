/** What decides which of two records of one request is kept. */
export interface Standing {
  readonly requestId: bigint;
  /** 1 pending, 2 queueing, 3 processing, 4 succeeded, 5 failed. */
  readonly status: number;
  /** True: made from the ledger, so the gateway's own record is better. */
  readonly reconstructed: boolean;
  /** Unix microseconds of the state. */
  readonly updatedUnixUs: bigint;
}

const firstTerminal = 4;

/** Whether a request of this status has ended. */
export function isTerminal(status: number): boolean {
  return status >= firstTerminal;
}

/**
 * Whether `next` replaces `old`: an ended state after a running one, the gateway's own after a reconstructed one, a
 * further running state after an earlier one, else the younger one. A total order but for ties, which keep what is
 * there: so what is stored in the end does not depend on the order of arrival. SQL says the same in `put_records`.
 */
export function replaces(next: Standing, old: Standing): boolean {
  const rank = rankOf(next) - rankOf(old);
  return rank === 0 ? next.updatedUnixUs > old.updatedUnixUs : rank > 0;
}

function rankOf({ status, reconstructed }: Standing): number {
  if (!isTerminal(status)) return status;
  return reconstructed ? firstTerminal : firstTerminal + 1;
}

/** The record that stays of each request of a batch, in ascending order of IDs. */
export function latestOfEach<T extends { readonly standing: Standing }>(items: readonly T[]): T[] {
  const latest = new Map<bigint, T>();
  for (const item of items) {
    const held = latest.get(item.standing.requestId);
    if (held === undefined || replaces(item.standing, held.standing)) latest.set(item.standing.requestId, item);
  }
  return [...latest.values()].sort((a, b) => (a.standing.requestId < b.standing.requestId ? -1 : 1));
}
