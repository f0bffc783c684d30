/** How many lines of a batch have come to what. */
export interface LineCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly expired: number;
}

const kinds = ["succeeded", "failed", "cancelled", "expired"] as const;

/**
 * The counts that a client is shown: those of lines that are settled, and beyond them what the vendor says, as long as there are
 * that many lines. A vendor counts before its results are read, and nothing of what it says counts for money.
 *
 * @param told undefined: no vendor has said it.
 */
export function shownCounts(total: number, own: LineCounts, told: LineCounts | undefined): LineCounts {
  if (told === undefined) return own;
  let left = total - kinds.reduce((sum, kind) => sum + own[kind], 0);
  const shown = kinds.map((kind) => {
    const more = Math.min(Math.max(0, told[kind] - own[kind]), Math.max(0, left));
    left -= more;
    return own[kind] + more;
  });
  const [succeeded = 0, failed = 0, cancelled = 0, expired = 0] = shown;
  return { succeeded, failed, cancelled, expired };
}
