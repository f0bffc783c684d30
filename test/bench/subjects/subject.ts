import type { Target } from "../load/request.ts";
import type { ProcessGroup } from "../measure/proc.ts";

/** The rows of the bench. */
export const subjectNames = [
  "direct",
  "floor",
  "peer",
  "litellm",
  "up",
  "up-before",
  "mesh",
  "mesh-before",
  "up-traced",
  "mesh-traced",
] as const;
/** A row of the bench. */
export type SubjectName = (typeof subjectNames)[number];

/** Something that answers chat completions: the upstream itself, or what stands before it. */
export interface Subject {
  readonly name: SubjectName;
  readonly target: Target;
  /** What it is, and what it does on each request. */
  readonly what: string;
  /** What it does not do that others of the table do. */
  readonly leavesOff: string;
  /** Its processes, without the upstream, the load and the sink. */
  processes(): readonly ProcessGroup[];
  /** Milliseconds from the start of its process to its first answer, one a start. */
  readonly startMs: readonly number[];
  /** What it and its database know of the requests served; undefined: it keeps nothing. */
  kept?(): Promise<Kept>;
  /** Requests after which it is warm, where it needs fewer than the rest; a slow one would take minutes for what Node's compiler needs. */
  readonly warmUpAtMost?: number;
  /** Reads its metrics once, as a Prometheus would. */
  scrape?(): Promise<void>;
  /** Rejects when its process ends by itself. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

/** What is on the books. */
export interface Kept {
  readonly charges: number;
  readonly records: number;
  /** True: every account's balance is the sum of its ledger, and nothing is held any more. */
  readonly balanced: boolean;
}
