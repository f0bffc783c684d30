import { type Latencies, percentilesUs } from "./latency.ts";

const plainGroupings = ["model", "channel", "key", "status", "module"] as const;
const labelGroupings = ["user", "tag"] as const;
/** What points may be grouped by. */
export const groupings = [...plainGroupings, ...labelGroupings] as const;
/** What each request has one of; empty: not grouped. */
export type PlainGrouping = (typeof plainGroupings)[number] | "";
/** What clients say of a request: its end user, and any number of tags. */
export type LabelGrouping = (typeof labelGroupings)[number];
/** Empty: not grouped. */
export type Grouping = PlainGrouping | LabelGrouping;

/** Whether points are grouped by what clients say. */
export function isByLabel(grouping: Grouping): grouping is LabelGrouping {
  return labelGroupings.some((label) => label === grouping);
}

/** Where a group stands within its step: that of requests without a label first, then the others, then each by its name. */
export interface GroupPlace {
  readonly group: string;
  /** True: all labels beyond those that are told apart. */
  readonly other: boolean;
}

/** Requests of one step and group, or a part of them; negative for what was deleted since the others were counted. */
export interface Part {
  readonly at_unix_ms: bigint;
  readonly group_name: string;
  /** True: all labels beyond those that are told apart. Absent: no label. */
  readonly other?: boolean;
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
  readonly other: boolean;
  requests: bigint;
  errors: bigint;
  inputTokens: bigint;
  outputTokens: bigint;
  billedNanoUsd: bigint;
  /** How many requests are in each bucket of latency, by its number. */
  readonly latencies: Map<number, number>;
}

/** Puts a part to the others of its step and group. `points` is by step and group. */
export function addPart(points: Map<string, Point>, part: Part): void {
  const name = `${part.at_unix_ms} ${part.other ?? false} ${part.group_name}`;
  const point = points.get(name);
  if (point === undefined) {
    points.set(name, pointOf(part));
    return;
  }
  point.requests += part.requests;
  point.errors += part.errors ?? 0n;
  point.inputTokens += part.input_tokens;
  point.outputTokens += part.output_tokens;
  point.billedNanoUsd += part.billed_nano_usd ?? 0n;
  addLatencies(point.latencies, part);
}

/** The point that a part is by itself. */
export function pointOf(part: Part): Point {
  const latencies = new Map<number, number>();
  addLatencies(latencies, part);
  return {
    atUnixMs: part.at_unix_ms,
    group: part.group_name ?? "",
    other: part.other ?? false,
    requests: part.requests,
    errors: part.errors ?? 0n,
    inputTokens: part.input_tokens,
    outputTokens: part.output_tokens,
    billedNanoUsd: part.billed_nano_usd ?? 0n,
    latencies,
  };
}

/** By time, then by group. */
export function comparePoints(a: Pick<Point, "atUnixMs" | "group">, b: Pick<Point, "atUnixMs" | "group">): number {
  if (a.atUnixMs !== b.atUnixMs) return a.atUnixMs < b.atUnixMs ? -1 : 1;
  return a.group < b.group ? -1 : 1;
}

/** The latencies in whole milliseconds that half and 99 % of a point's requests did not exceed. */
export function percentilesMs({ latencies }: { readonly latencies: Latencies }): { p50Ms: bigint; p99Ms: bigint } {
  const [p50 = 0, p99 = 0] = percentilesUs(latencies, [0.5, 0.99]);
  return { p50Ms: BigInt(Math.round(p50 / 1_000)), p99Ms: BigInt(Math.round(p99 / 1_000)) };
}

/** Number by number as they stand in the texts: 60 days by model are a hundred thousand of them. */
function addLatencies(latencies: Map<number, number>, { buckets, counts }: Part): void {
  const nextBucket = numbersOf(buckets);
  const nextCount = numbersOf(counts);
  for (let bucket = nextBucket(); bucket !== undefined; bucket = nextBucket()) {
    latencies.set(bucket, (latencies.get(bucket) ?? 0) + (nextCount() ?? 0));
  }
}

const digit0 = 48;

/** Reads the whole numbers of a text such as {1,-2}, one a call; undefined: there are no more. */
function numbersOf(text: string): () => number | undefined {
  let at = 1;
  return () => {
    if (at >= text.length - 1) return undefined;
    const isNegative = text[at] === "-";
    let value = 0;
    for (at += isNegative ? 1 : 0; at < text.length - 1 && text[at] !== ","; at++) {
      value = value * 10 + text.charCodeAt(at) - digit0;
    }
    at++;
    return isNegative ? -value : value;
  };
}
