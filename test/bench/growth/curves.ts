import type { Machine } from "../measure/machine.ts";
import type { OtherKind } from "../upstream/answers.ts";

/** One point of a curve: where it stands, whose it is, and what was measured there. */
export interface Point {
  readonly series: string;
  readonly x: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A question about growth, and its answer. */
export interface Curve {
  readonly machine: Machine;
  readonly points: readonly Point[];
}

/** The questions about growth. */
export const curveNames = ["concurrency", "streams", "slow-readers", "keys", "channels", "accounts", "kinds"] as const;
/** A question about growth. */
export type CurveName = (typeof curveNames)[number];

/** How far the curves go and how long each point is measured. */
export interface GrowthPlan {
  readonly warmUp: number;
  readonly pointMs: number;
  readonly concurrency: readonly number[];
  readonly streams: readonly number[];
  readonly slowReaders: readonly number[];
  readonly keys: readonly number[];
  readonly channels: readonly number[];
  readonly accounts: readonly number[];
  /** Requests at a time of each kind of work: an upload takes as much as hundreds of vectors. */
  readonly kinds: Readonly<Record<OtherKind, readonly number[]>>;
}

/** What counts: about half an hour on a quiet machine. */
export const fullGrowth: GrowthPlan = {
  warmUp: 20_000,
  pointMs: 6_000,
  concurrency: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024],
  streams: [100, 300, 1_000, 2_000, 5_000],
  slowReaders: [100, 300, 1_000],
  keys: [10, 100, 1_000, 10_000, 100_000, 1_000_000],
  channels: [3, 30, 300, 3_000],
  accounts: [1, 10, 100, 1_000],
  kinds: { embedding: [1, 64, 256], speech: [1, 8, 256], transcript: [1, 8] },
};

/** Shows that it runs. */
export const quickGrowth: GrowthPlan = {
  warmUp: 300,
  pointMs: 700,
  concurrency: [1, 16, 128],
  streams: [50, 200],
  slowReaders: [50],
  keys: [10, 10_000],
  channels: [3, 300],
  accounts: [1, 20],
  kinds: { embedding: [1, 256], speech: [1, 16], transcript: [1, 4] },
};
