import { firstIdAt, maxRequestIdMs, requestIdEpochMs, toParts } from "../../../shared/request-id.ts";
import type { IdRange } from "./times.ts";

/** A partition: a range of IDs and the name of its table. */
export interface PartitionPlan extends IdRange {
  readonly name: string;
}

/** The partition of `lengthMs` that a moment falls into. Partitions are aligned to the Unix epoch, so all replicas agree. */
function partitionAt(unixMs: number, lengthMs: number, prefix: string): PartitionPlan {
  const startMs = Math.floor(unixMs / lengthMs) * lengthMs;
  const from = startMs <= requestIdEpochMs ? 0n : firstIdAt(startMs);
  const endMs = startMs + lengthMs;
  const to = endMs > maxRequestIdMs ? (1n << 63n) - 1n : firstIdAt(endMs);
  const stamp = new Date(Math.max(startMs, requestIdEpochMs)).toISOString().replace(/\D/g, "").slice(0, 12);
  return { from, to, name: `${prefix}_${stamp}` };
}

/** The partitions that must stand so that every moment from `fromMs` to `toMs` has one. */
export function partitionsFor(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { lengthMs, prefix }: { lengthMs: number; prefix: string },
): PartitionPlan[] {
  const plans: PartitionPlan[] = [];
  for (let atMs = fromMs; ; atMs += lengthMs) {
    const plan = partitionAt(Math.min(atMs, toMs), lengthMs, prefix);
    if (plans.at(-1)?.name !== plan.name) plans.push(plan);
    if (atMs >= toMs) return plans;
  }
}

/** The partitions that these IDs need. */
export function partitionsOf(
  ids: readonly bigint[],
  { lengthMs, prefix }: { lengthMs: number; prefix: string },
): PartitionPlan[] {
  const plans = new Map<string, PartitionPlan>();
  for (const id of ids) {
    const plan = partitionAt(toParts(id).unixMs, lengthMs, prefix);
    plans.set(plan.name, plan);
  }
  return [...plans.values()].sort((a, b) => (a.from < b.from ? -1 : 1));
}

/**
 * What of a planned partition is not yet covered: after a change of the partitions' length, old ones reach into it. The
 * pieces that are left free become partitions of their own.
 */
export function freePieces(plan: PartitionPlan, existing: readonly IdRange[]): PartitionPlan[] {
  const inside = existing
    .filter(({ from, to }) => from < plan.to && plan.from < to)
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const pieces: PartitionPlan[] = [];
  let from = plan.from;
  for (const taken of inside) {
    if (taken.from > from) pieces.push(piece(plan, from, taken.from));
    if (taken.to > from) from = taken.to;
  }
  if (from < plan.to) pieces.push(inside.length === 0 ? plan : piece(plan, from, plan.to));
  return pieces;
}

function piece({ name }: PartitionPlan, from: bigint, to: bigint): PartitionPlan {
  return { from, to, name: `${name}_${from}` };
}

/** The lowest ID that is kept at `nowMs` under a retention; 0: all are. */
export function retentionBound(nowMs: number, retentionMs: number): bigint {
  return retentionMs === 0 ? 0n : firstIdAt(nowMs - retentionMs);
}
