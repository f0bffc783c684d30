import type { HistoryContext } from "../context.ts";
import type { Walk } from "../db/branches.ts";
import { seek } from "../db/seek.ts";
import { intersect } from "../domain/id-text.ts";
import { beyond } from "../domain/spans.ts";
import type { IdRange } from "../domain/times.ts";
import { windowsBackwards, windowsForwards } from "../domain/windows.ts";

type WalkContext = Pick<
  HistoryContext,
  "reader" | "planningReader" | "pacing" | "nowMs" | "firstWindowMs" | "entriesAtOnce"
>;

/** What a walk gives. */
export interface Walked {
  readonly ids: readonly bigint[];
  /** Whether some of them may be of requests that run. */
  readonly running: boolean;
}

/**
 * The IDs of a walk behind its first `offset`, at most `limit`; window by window, so that only as many partitions are
 * opened as it takes.
 */
export async function walkIds(
  { reader, planningReader, pacing, nowMs, firstWindowMs, entriesAtOnce }: WalkContext,
  walk: Walk,
  { offset, limit }: { offset: number; limit: number },
): Promise<Walked> {
  // For a whole account, or all of them, one index serves whatever the values.
  const db = walk.scope.kind === "account" || walk.scope.kind === "operator" ? reader : planningReader;
  const windows = walk.ascending ? windowsForwards : windowsBackwards;
  const ids: bigint[] = [];
  let running = false;
  let before = offset;
  const pace = pacing.pace();
  for (const window of windows(walk.range, { nowMs: nowMs(), firstMs: firstWindowMs })) {
    for (let range: IdRange | undefined = window; range !== undefined; ) {
      // The instant after which requests count lies in the first millisecond of the whole range.
      const afterFirst = walk.afterFirst && range.from === walk.range.from;
      const missing = limit - ids.length;
      const most = Math.min(before + missing, entriesAtOnce);
      const found = await seek(db, { ...walk, range, afterFirst }, { offset: before, limit: missing, most });
      for (const id of found.ids) ids.push(id);
      running ||= found.running;
      if (ids.length >= limit) return { ids, running };
      before = Math.max(0, before - found.passed);
      range = found.passed < most ? undefined : intersect(range, beyond(found.last, walk.ascending));
      const others = pace();
      if (others !== undefined) await others;
    }
  }
  return { ids, running };
}
