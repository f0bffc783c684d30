import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Buffers of large bodies that a process has let go of. */
export interface SpentBuffers {
  /** So many bytes of them are of no more use. */
  add(bytes: number): void;
}

/** Bytes of uploads that may wait for a collection: little of them is still in use then. */
export const uploadStepBytes = 4 * 1024 * 1024;

/**
 * The same of what is on its way through: megabytes of it are still in use, and what lives through two collections is freed by none of the
 * young generation. With 4 MiB the provider made more full collections than with none.
 */
export const passedStepBytes = 16 * 1024 * 1024;

/**
 * Has the young generation collected as often as buffers are spent.
 *
 * V8 collects by what its own heap holds, and of a buffer of 64 KiB that is a hundred bytes: the memory itself is outside. It looks at
 * that only beyond some tens of megabytes, and then collects everything: most of what speech of 5 MB cost.
 *
 * @param stepBytes so many bytes of them may wait for a collection.
 */
export function createSpentBuffers(stepBytes: number, collect?: () => void): SpentBuffers {
  let waiting = 0;
  let run = collect;
  return {
    add(bytes) {
      waiting += bytes;
      if (waiting < stepBytes) return;
      waiting = 0;
      // Not before it is needed: it takes a context of V8.
      run ??= youngCollection();
      run();
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
