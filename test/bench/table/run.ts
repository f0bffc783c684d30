import { type Machine, watchMachine } from "../measure/machine.ts";
import type { Ground } from "../subjects/ground.ts";
import type { Kept, Subject, SubjectName } from "../subjects/subject.ts";
import { type CountedRow, runCounts } from "./counts.ts";
import type { Served } from "./measured.ts";
import type { Plan } from "./plan.ts";
import { type Round, runRound } from "./rounds.ts";
import { autocannon, type SecondOpinion } from "./second-opinion.ts";
import { start } from "./start.ts";
import { runUnread, type Unread } from "./unread.ts";
import { type Warmth, warmUp, warmUpOf } from "./warmth.ts";

/** Everything that a run of the table found. */
export interface TableResult {
  readonly machine: Machine;
  readonly plan: Plan;
  readonly rows: readonly Row[];
  readonly secondOpinion: SecondOpinion | undefined;
  /** What a request was, in counts, by row; absent in runs that did not count. */
  readonly counts?: readonly CountedRow[];
  /** Memory of streams that nobody reads, by row; absent in runs that did not measure it. */
  readonly unread?: readonly Unread[];
}

/** One row of the table with all of its rounds. */
export interface Row {
  readonly name: SubjectName;
  readonly what: string;
  readonly leavesOff: string;
  readonly startMs: readonly number[];
  /** What its first requests cost; absent in runs that did not measure it. */
  readonly warmth?: Warmth;
  readonly rounds: readonly Round[];
  /** What it kept of the requests that it served. */
  readonly books: (Kept & { readonly served: number }) | undefined;
}

/** Runs the table. `say` is told what is being done. */
export async function runTable(ground: Ground, plan: Plan, say: (text: string) => void): Promise<TableResult> {
  const where = watchMachine();
  const timed = await runTimed(ground, plan, say);
  // Each of these has processes of its own: what counts and what holds streams is not what was timed.
  const counts = plan.countMs === 0 ? [] : await runCounts(ground, plan, say);
  const unread = plan.unreadStreams === 0 ? [] : await runUnread(ground, plan, say);
  return {
    machine: where(),
    plan,
    ...timed,
    ...(counts.length === 0 ? {} : { counts }),
    ...(unread.length === 0 ? {} : { unread }),
  };
}

type Timed = Pick<TableResult, "rows" | "secondOpinion">;

async function runTimed(ground: Ground, plan: Plan, say: (text: string) => void): Promise<Timed> {
  await using undo = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  for (const name of plan.subjects) {
    say(`starting ${name}`);
    const subject = await start(name, ground, { starts: plan.starts, before: plan.before }, say);
    undo.defer(() => subject.stop());
    subjects.push(subject);
  }
  return await Promise.race([measure(ground, subjects, plan, say), ...subjects.map(({ ended }) => ended)]);
}

async function measure(
  ground: Ground,
  subjects: readonly Subject[],
  plan: Plan,
  say: (text: string) => void,
): Promise<Timed> {
  const served: Served = new Map();
  const warmths = new Map<SubjectName, Warmth>();
  for (const subject of subjects) {
    say(`warming ${subject.name} up: ${warmUpOf(subject, plan)} requests`);
    warmths.set(subject.name, await warmUp(subject, plan, served));
  }
  const rounds: Map<SubjectName, Round>[] = [];
  for (let index = 0; index < plan.rounds; index += 1) {
    say(`round ${index + 1} of ${plan.rounds}`);
    // Turns: no row always comes after the same other.
    const order = subjects.map((_, at) => subjects[(at + index) % subjects.length] as Subject);
    rounds.push(await runRound(ground, order, plan, served));
  }
  say("closing the books");
  const rows: Row[] = [];
  for (const subject of subjects) {
    rows.push({
      name: subject.name,
      what: subject.what,
      leavesOff: subject.leavesOff,
      startMs: subject.startMs,
      ...warmthOf(warmths.get(subject.name)),
      rounds: rounds.flatMap((round) => round.get(subject.name) ?? []),
      books: await booksOf(subject, served.get(subject.name) ?? 0),
    });
  }
  const up = subjects.find(({ name }) => name === "up");
  const secondOpinion =
    plan.secondOpinionS === 0 || up === undefined
      ? undefined
      : await autocannon(up, plan.concurrency, plan.secondOpinionS);
  return { rows, secondOpinion };
}

function warmthOf(warmth: Warmth | undefined): Pick<Row, "warmth"> {
  return warmth === undefined ? {} : { warmth };
}

const booksWithinMs = 15_000;

/** Waits until all that was served is on the books. The first answers of each start are not counted in `served`. */
async function booksOf(subject: Subject, served: number): Promise<Row["books"]> {
  if (subject.kept === undefined) return undefined;
  const firstAnswers = subject.startMs.length + 1;
  const untilMs = performance.now() + booksWithinMs;
  for (;;) {
    const books = { ...(await subject.kept()), served: served + firstAnswers };
    const closed = books.balanced && books.charges >= books.served && books.records >= books.served;
    if (closed || performance.now() > untilMs) return books;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
