import { cpus, loadavg, release } from "node:os";
import { watchStolen } from "../measure/stolen.ts";
import { type Ground, openBenchGround } from "../subjects/ground.ts";
import { direct, floor, peer } from "../subjects/others.ts";
import type { Kept, Subject, SubjectName } from "../subjects/subject.ts";
import { throughline } from "../subjects/throughline.ts";
import type { Plan } from "./plan.ts";
import { type Round, runRound, type Served, type Warmth, warmUp } from "./rounds.ts";
import { autocannon, type SecondOpinion } from "./second-opinion.ts";

/** Where and when figures were taken. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Load average of the minute before: what else ran. */
  readonly loadBefore: number;
  /** Share of the cores' time, 0 to 1, that a hypervisor gave to others meanwhile: what is above a few percent blurs latencies. */
  readonly stolenShare: number;
}

/** Everything that a run of the table found. */
export interface TableResult {
  readonly machine: Machine;
  readonly plan: Plan;
  readonly rows: readonly Row[];
  readonly secondOpinion: SecondOpinion | undefined;
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

/** Where the bench runs; the function it gives tells it at the end. */
export function watchMachine(): () => Machine {
  const stolen = watchStolen();
  const loadBefore = loadavg()[0] ?? 0;
  return () => ({
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    loadBefore,
    stolenShare: stolen(),
  });
}

/** A machine in words, for the line above a table. */
export function machineText({ date, cores, cpu, kernel, node, loadBefore, stolenShare }: Machine): string {
  return (
    `${date}, ${cores} cores of ${cpu}, Linux ${kernel}, Node ${node}; load average before: ${loadBefore.toFixed(2)}; ` +
    `the hypervisor gave ${(stolenShare * 100).toFixed(1)} % of the cores' time to others.`
  );
}

/** Runs the table. `say` is told what is being done. */
export async function runTable(plan: Plan, say: (text: string) => void): Promise<TableResult> {
  const where = watchMachine();
  await using undo = new AsyncDisposableStack();
  const ground = undo.use(await openBenchGround());
  const subjects: Subject[] = [];
  for (const name of plan.subjects) {
    say(`starting ${name}`);
    const subject = await start(name, ground, plan);
    undo.defer(() => subject.stop());
    subjects.push(subject);
  }
  return await Promise.race([measure(where, ground, subjects, plan, say), ...subjects.map(({ ended }) => ended)]);
}

async function measure(
  where: () => Machine,
  ground: Ground,
  subjects: readonly Subject[],
  plan: Plan,
  say: (text: string) => void,
): Promise<TableResult> {
  const served: Served = new Map();
  const warmths = new Map<SubjectName, Warmth>();
  for (const subject of subjects) {
    say(`warming ${subject.name} up: ${plan.warmUp} requests`);
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
  return { machine: where(), plan, rows, secondOpinion };
}

function warmthOf(warmth: Warmth | undefined): Pick<Row, "warmth"> {
  return warmth === undefined ? {} : { warmth };
}

function start(name: SubjectName, ground: Ground, plan: Plan): Promise<Subject> | Subject {
  switch (name) {
    case "direct":
      return direct(ground);
    case "floor":
      return floor(ground, plan.starts);
    case "peer":
      return peer(ground, plan.starts);
    case "up":
    case "mesh":
      return throughline(ground, { name, mode: name, sampled: 0.01, starts: plan.starts });
    case "up-before":
    case "mesh-before":
      return before(name, ground, plan);
    case "up-traced":
      return throughline(ground, { name, mode: "up", sampled: 1, starts: 0 });
    case "mesh-traced":
      return throughline(ground, { name, mode: "mesh", sampled: 1, starts: 0 });
  }
}

/** Throughline of another checkout. Its books are not looked into: its database may be another one. */
async function before(name: "up-before" | "mesh-before", ground: Ground, { before, starts }: Plan): Promise<Subject> {
  if (before === undefined) throw new Error(`${name} needs the folder of a checkout`);
  const mode = name === "up-before" ? "up" : "mesh";
  const { kept: _, ...subject } = await throughline(ground, { name, mode, sampled: 0.01, starts, checkout: before });
  return { ...subject, what: `${subject.what} (the other checkout)` };
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
