import { holdStreams } from "../load/hold.ts";
import { chatRequest } from "../load/request.ts";
import type { Subject } from "../subjects/subject.ts";
import type { Behaviour } from "../upstream/answers.ts";
import { heldMb } from "./held.ts";
import { quiet } from "./proc.ts";

/** As fast as its reader may be. */
const fastStream: Behaviour = { kind: "stream", chunks: 1_000_000, everyMs: 5, chunkBytes: 4_096 };

const restWithinMs = 60_000;
const betweenReadingsMs = 5_000;
const agreesWithinMb = 2;

/** Streams that are open and that nobody reads. */
export interface UnreadStreams {
  /** Memory of the row's processes without the database, in MB, and what each stream takes of it in kB. */
  readonly memoryMb: number;
  readonly kbPerStream: number;
  /** Ends them, and waits until all rest. */
  close(): Promise<void>;
}

/** What is held when two readings agree: processes look at rest some seconds before the last buffers are full and emptied. */
async function settledMb(subject: Subject): Promise<number> {
  const untilMs = performance.now() + restWithinMs;
  let before = await heldMb(subject);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, betweenReadingsMs));
    const now = await heldMb(subject);
    if (Math.abs(now - before) < agreesWithinMb || performance.now() > untilMs) return now;
    before = now;
  }
}

/** Opens so many of them, and waits until every buffer on the way is full and all rests. */
export async function holdUnread(subject: Subject, count: number): Promise<UnreadStreams> {
  await quiet(subject.processes());
  const beforeMb = await heldMb(subject);
  const open = await holdStreams(subject.target, count, chatRequest(subject.target, fastStream), { paused: true });
  await quiet(subject.processes(), 0.1, restWithinMs);
  const memoryMb = await settledMb(subject);
  if (open.open !== count) throw new Error(`${subject.name}: of ${count} unread streams ${open.open} stayed open`);
  return {
    memoryMb,
    kbPerStream: ((memoryMb - beforeMb) * 1_024) / count,
    async close() {
      open.closeAll();
      await quiet(subject.processes(), 0.1, restWithinMs);
    },
  };
}
