import type { SubjectName } from "../subjects/subject.ts";

/** How much of everything a run of the table does. */
export interface Plan {
  readonly subjects: readonly SubjectName[];
  /** Folder of the checkout that the rows `up-before` and `mesh-before` run. */
  readonly before?: string;
  /** Timed starts of each. */
  readonly starts: number;
  /** Requests before anything is believed. */
  readonly warmUp: number;
  /** The first of them, whose CPU is measured by itself. */
  readonly firstRequests: number;
  /** Requests at which the steps of the curve of warmth end, the last one beside them. */
  readonly warmthSteps: readonly number[];
  readonly rounds: number;
  readonly concurrency: number;
  readonly loadMs: number;
  /** Fixed low rate, requests a second, and how long. */
  readonly rate: number;
  readonly rateMs: number;
  readonly streams: number;
  readonly streamsMs: number;
  /** Clients that make a connection for each request, and how long; 0: none. */
  readonly freshClients: number;
  readonly freshMs: number;
  /** How long each load is counted in which messages, statements, switches and bytes are counted; 0: none is. */
  readonly countMs: number;
  /** Streams that nobody reads, whose memory is told; 0: none. */
  readonly unreadStreams: number;
  /** Seconds of autocannon against `up`, as a second opinion. 0: none. */
  readonly secondOpinionS: number;
}

const common = { concurrency: 64, rate: 150, streams: 50, freshClients: 256 } as const;

/**
 * What counts: about a quarter of an hour on a quiet machine. Many short rounds, for a machine's speed drifts over
 * minutes: what is compared must have been measured within one of them.
 */
export const fullPlan: Plan = {
  ...common,
  subjects: ["direct", "floor", "peer", "up", "mesh", "up-traced", "mesh-traced"],
  starts: 3,
  warmUp: 20_000,
  firstRequests: 5_000,
  warmthSteps: [1_000, 5_000, 10_000, 15_000],
  rounds: 6,
  loadMs: 5_000,
  rateMs: 5_000,
  streamsMs: 4_000,
  freshMs: 2_000,
  countMs: 3_000,
  unreadStreams: 1_000,
  secondOpinionS: 5,
};

/** The rows that the targets are about, `mesh-before` where there is another checkout: about 13 minutes on a quiet machine. */
export const targetSubjects: readonly SubjectName[] = ["direct", "floor", "peer", "up", "mesh"];

/** Under two minutes: shows that it runs and about where things stand; too cold and short for figures that count. */
export const quickPlan: Plan = {
  ...common,
  subjects: ["direct", "floor", "peer", "up", "mesh"],
  starts: 1,
  warmUp: 2_000,
  firstRequests: 500,
  warmthSteps: [200, 500, 1_000],
  rounds: 2,
  loadMs: 1_500,
  rateMs: 1_500,
  streamsMs: 1_500,
  freshMs: 500,
  countMs: 700,
  unreadStreams: 50,
  secondOpinionS: 2,
};
