import { expect, test } from "vitest";
import { readTable } from "../docs.ts";
import { figuresOf } from "./figures.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import type { Row, TableResult } from "./run.ts";
import { stepsOf } from "./warmth.ts";
import { freshMarkdown, warmthMarkdown } from "./young-markdown.ts";

const published = readTable();
const [direct, up, mesh] = ["direct", "up", "mesh"].map((wanted) =>
  published?.rows.find(({ name }) => name === wanted),
);
if (published === undefined || direct === undefined || up === undefined || mesh === undefined)
  throw new Error("docs/performance/table.json has no rows");

/** A row as if each round had these figures. */
function rowLike(row: Row, cpuMs: number, fresh: { p50Ms: number; p99Ms: number }, warmth: Row["warmth"]): Row {
  const { warmth: _, ...rest } = row;
  return {
    ...rest,
    ...(warmth === undefined ? {} : { warmth }),
    rounds: row.rounds.map((round) => ({
      ...round,
      load: { ...round.load, cpuMs: { [row.name]: cpuMs } },
      fresh: { requests: 10, ...fresh },
    })),
  };
}

function resultOf(rows: readonly Row[]): [TableResult, ReturnType<typeof figuresOf>[]] {
  const result = { ...(published as TableResult), plan: fullPlan, rows };
  return [result, rows.map((row) => figuresOf(row, direct as Row))];
}

test("the curve of warmth has a column for each step, and a row that is warm sooner ends sooner", () => {
  const steps = [
    { upTo: 1_000, cpuMs: 0.8 },
    { upTo: 5_000, cpuMs: 0.45 },
  ];
  const fresh = { p50Ms: 100, p99Ms: 250 };
  const [result, figures] = resultOf([
    rowLike(up, 0.25, fresh, { firstMs: 0.5, steps }),
    rowLike(mesh, 0.5, fresh, { firstMs: 0.6, steps: steps.slice(0, 1) }),
  ]);
  const cells = warmthMarkdown(result, figures)
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  expect(cells.filter((_, at) => at !== 1)).toEqual([
    ["after a start, c = 64: CPU-ms/request", "first 1,000", "to 5,000", "first 5,000 : warm"],
    ["up", "0.800", "0.450", "2.00"],
    ["mesh", "0.800", "-", "1.20"],
  ]);
  expect(freshMarkdown(result, figures)).toMatch(/\| up +\| 100 +\| 250 +\| 2\.5 +\|/);
});

test("a run that measured neither says nothing", () => {
  const { rounds, warmth: _, ...rest } = up;
  const bare: Row = { ...rest, rounds: rounds.map(({ fresh: __, ...round }) => round) };
  const [result, figures] = resultOf([bare]);
  expect([warmthMarkdown(result, figures), freshMarkdown(result, figures)]).toEqual(["", ""]);
});

test("steps rise to where a row is warm, and one ends with the first requests", () => {
  const row = { warmUpAtMost: 1_000 };
  expect(stepsOf(row, fullPlan)).toEqual([1_000]);
  for (const plan of [fullPlan, quickPlan]) {
    const steps = stepsOf({}, plan);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps.at(-1)).toBe(plan.warmUp);
    expect(steps).toContain(plan.firstRequests);
  }
});
