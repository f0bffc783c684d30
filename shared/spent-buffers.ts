import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Buffers of large bodies that a process has let go of. */
export interface SpentBuffers {
  /** So many bytes of them are of no more use. */
  add(bytes: number): void;
}

/** So many bytes of them may wait for a collection. */
export const spentStepBytes = 4 * 1024 * 1024;

/**
 * Has the young generation collected as often as buffers are spent.
 *
 * V8 collects by what its own heap holds, and of a buffer of 64 KiB that is a hundred bytes: the memory itself is outside. It looks at
 * that only beyond some tens of megabytes, in each process through which an upload goes.
 */
export function createSpentBuffers(collect: () => void = youngCollection()): SpentBuffers {
  let waiting = 0;
  return {
    add(bytes) {
      waiting += bytes;
      if (waiting < spentStepBytes) return;
      waiting = 0;
      collect();
    },
  };
}

/** What collects the young generation alone: a millisecond, since most of what it holds is dead. */
function youngCollection(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect !== "function") return () => {};
  return () => void Reflect.apply(collect, undefined, [{ type: "minor" }]);
}
