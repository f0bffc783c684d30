import { setImmediate as nextTurn } from "node:timers/promises";

/** Work in one go before others have their turn: a page of a thousand records must not hold up answers that stream by. */
const pieceMs = 0.7;

/**
 * Cuts long work into pieces: the function that it gives is called after each small step, and is a promise when it is
 * others' turn. `nowMs`: a monotonic clock.
 */
export function createPace(nowMs: () => number = () => performance.now()): () => Promise<void> | undefined {
  let sinceMs = nowMs();
  return () => {
    if (nowMs() - sinceMs < pieceMs) return undefined;
    return nextTurn().then(() => {
      sinceMs = nowMs();
    });
  };
}
