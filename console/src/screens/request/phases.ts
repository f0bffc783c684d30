import type { RouterOutputs } from "@throughline/client";

/** A request's life as the gateway tells it. */
export type Life = RouterOutputs["requests"]["get"];

/** A bar of the waterfall. Times are milliseconds since the request arrived. */
export interface Phase {
  readonly kind: "step" | "attempt" | "answer";
  /** What it is: a step of the timeline, or the channel of an attempt. */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Until when nothing but waiting was in it; undefined: it has no such part. */
  readonly waitedUntilMs: number | undefined;
  readonly failed: boolean;
}

/** Steps that come before an upstream is asked, in their order. */
const stepsBefore = ["authenticated", "resolved", "reserved"] as const;

/** What the time of a request was spent on, in order. */
export function phasesOf({ timeline, attempts }: Pick<Life, "timeline" | "attempts">): readonly Phase[] {
  const at = new Map(timeline.map((step) => [step.name, step.at_ms]));
  const phases: Phase[] = [];
  let before = 0;
  const step = (name: string, endMs: number, startMs = before) =>
    phases.push({ kind: "step", name, startMs, endMs, waitedUntilMs: undefined, failed: false });
  for (const name of stepsBefore) {
    const endMs = at.get(name);
    if (endMs === undefined) continue;
    step(name, endMs);
    before = endMs;
  }
  for (const { channel, start_ms, head_ms, end_ms, error } of attempts) {
    phases.push({
      kind: "attempt",
      name: channel,
      startMs: start_ms,
      endMs: Math.max(start_ms, end_ms),
      waitedUntilMs: head_ms ?? undefined,
      failed: error !== null,
    });
  }
  const first = at.get("first_byte");
  const last = at.get("last_byte");
  if (first !== undefined) {
    const endMs = Math.max(first, last ?? first);
    phases.push({ kind: "answer", name: "answer", startMs: first, endMs, waitedUntilMs: undefined, failed: false });
  }
  const settled = at.get("settled");
  if (settled !== undefined) step("settled", settled, Math.min(settled, last ?? first ?? before));
  return phases;
}

/** Round marks of an axis from 0 to at least `untilMs`: four to eight of them. */
export function marksUntil(untilMs: number): readonly number[] {
  const rough = Math.max(untilMs, 0.001) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.floor(untilMs / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}
