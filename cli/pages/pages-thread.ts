import type { Log } from "../../shared/log.ts";
import { createThread, type Thread } from "../../shared/thread/thread.ts";
import type { PagesThreadData } from "./thread.ts";

/** Memory of a thread that has four pages of 12 MB at a time in work. */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 };
const idleMs = 5 * 60_000;

/** The thread that reads and writes long pages of records. Nothing runs before the first of them. */
export function createPagesThread(data: PagesThreadData, log: Log): Thread {
  return createThread({
    ...{ file: new URL("./thread.ts", import.meta.url), name: "pages", data, resourceLimits, idleMs, log },
  });
}
