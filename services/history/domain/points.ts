import { percentileUs } from "./latency.ts";

/** What points may be grouped by. */
export const groupings = ["model", "channel", "key", "status", "module"] as const;
/** Empty: not grouped. */
export type Grouping = (typeof groupings)[number] | "";

/** Requests of one step and group, or a part of them; negative for what was deleted since the others were counted. */
export interface Part {
  readonly at_unix_ms: bigint;
  readonly group_name: string;
  readonly requests: bigint;
  readonly errors: bigint | null;
  readonly input_tokens: bigint;
  readonly output_tokens: bigint;
  readonly billed_nano_usd: bigint | null;
  /** As PostgreSQL writes arrays of numbers: {1,2}. */
  readonly buckets: string;
  readonly counts: string;
}

/** A step and group with all its parts. */
export interface Point {
  readonly atUnixMs: bigint;
  readonly group: string;
  requests: bigint;
  errors: bigint;
  inputTokens: bigint;
  outputTokens: bigint;
  billedNanoUsd: bigint;
  readonly latencies: Map<number, number>;
}

/** Puts a part to the others of its step and group. `points` is by step and group. */
export function addPart(points: Map<string, Point>, part: Part): void {
  const name = `${part.at_unix_ms} ${part.group_name}`;
  let point = points.get(name);
  if (point === undefined) {
    const none = { requests: 0n, errors: 0n, inputTokens: 0n, outputTokens: 0n, billedNanoUsd: 0n };
    point = { atUnixMs: part.at_unix_ms, group: part.group_name ?? "", ...none, latencies: new Map() };
    points.set(name, point);
  }
  point.requests += part.requests;
  point.errors += part.errors ?? 0n;
  point.inputTokens += part.input_tokens;
  point.outputTokens += part.output_tokens;
  point.billedNanoUsd += part.billed_nano_usd ?? 0n;
  const counts = numbers(part.counts);
  numbers(part.buckets).forEach((bucket, n) => {
    point.latencies.set(bucket, (point.latencies.get(bucket) ?? 0) + (counts[n] ?? 0));
  });
}

/** By time, then by group. */
export function comparePoints(a: Point, b: Point): number {
  if (a.atUnixMs !== b.atUnixMs) return a.atUnixMs < b.atUnixMs ? -1 : 1;
  return a.group < b.group ? -1 : 1;
}

/** The latency in whole milliseconds that the given share of a point's requests did not exceed. */
export function percentileMs({ latencies }: Point, share: number): bigint {
  const buckets = Array.from(latencies, ([bucket, count]) => ({ bucket, count: BigInt(count) }));
  return BigInt(Math.round(percentileUs(buckets, share) / 1_000));
}

function numbers(text: string): number[] {
  return text.length <= 2 ? [] : text.slice(1, -1).split(",").map(Number);
}
