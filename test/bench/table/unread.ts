import { holdUnread } from "../measure/unread.ts";
import { startForCrowd } from "../subjects/crowd.ts";
import type { Ground } from "../subjects/ground.ts";
import type { SubjectName } from "../subjects/subject.ts";
import type { Plan } from "./plan.ts";

/** What one row keeps of streams that nobody reads. */
export interface Unread {
  readonly name: SubjectName;
  readonly streams: number;
  readonly kbPerStream: number;
}

const unreadNames = ["floor", "up"] as const;

/** Memory grows to what the code and its machine code take within the first thousands of requests; a stream's own does not. */
const warmUpAtMost = 5_000;

/** Memory of streams whose clients do not read, of the floor and of `up`. */
export async function runUnread(ground: Ground, plan: Plan, say: (text: string) => void): Promise<Unread[]> {
  const found: Unread[] = [];
  for (const name of unreadNames.filter((one) => plan.subjects.includes(one))) {
    say(`${plan.unreadStreams} streams of ${name} that nobody reads`);
    const subject = await startForCrowd(ground, name, Math.min(plan.warmUp, warmUpAtMost), "unread");
    const { kbPerStream, close } = await holdUnread(subject, plan.unreadStreams);
    found.push({ name, streams: plan.unreadStreams, kbPerStream });
    await close();
    await subject.stop();
  }
  return found;
}
