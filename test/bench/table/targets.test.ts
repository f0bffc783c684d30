import { expect, test } from "vitest";
import { readTable } from "../docs.ts";
import type { TableResult } from "./run.ts";
import { targetsOf } from "./targets.ts";
import { targetsMarkdown } from "./targets-markdown.ts";

const published = readTable();
if (published === undefined) throw new Error("docs/performance/table.json is missing");
const run: TableResult = published;

/** The target whose text has these words. */
function target(result: TableResult, words: string) {
  return targetsOf(result).find(({ text }) => text.includes(words));
}

test.each([
  [149, true],
  [151, false],
])("a stream that nobody reads may take 150 kB: %d kB", (kbPerStream, met) => {
  const unread = [
    { name: "floor", streams: 1_000, kbPerStream: 120 },
    { name: "up", streams: 1_000, kbPerStream },
  ] as const;
  const found = target({ ...run, unread }, "nobody reads");
  expect(found).toMatchObject({ limit: 150, is: kbPerStream, met });
  expect(found?.text).toContain("the floor: 120");
});

test.each([
  ["mesh", ["mesh :", "mesh:"]],
  ["peer", [": peer"]],
  ["floor", [": floor"]],
] as const)("without %s nothing is said of it, and the rest stays", (name, words) => {
  const { unread: _, ...rest } = run;
  const without = { ...rest, rows: run.rows.filter((row) => row.name !== name) };
  const texts = targetsOf(without).map(({ text }) => text);
  expect(texts.length).toBeGreaterThan(0);
  for (const word of words) expect(texts.filter((text) => text.includes(word))).toEqual([]);
});

test("a ratio is a target at most or at least, and the table says which was missed", () => {
  const quick = {
    ...run,
    rows: run.rows.map((row) =>
      row.name !== "up"
        ? row
        : {
            ...row,
            rounds: row.rounds.map((round) => ({
              ...round,
              load: { ...round.load, perSecond: 1e6, cpuMs: { up: 1e-6 }, databaseCpuMs: 0 },
            })),
          },
    ),
  };
  expect(target(quick, "up : peer, requests/s")).toMatchObject({ met: true });
  expect(target(quick, "up : peer, CPU")).toMatchObject({ met: true });
  expect(target(quick, "mesh : up, CPU")).toMatchObject({ met: false });
  expect(targetsMarkdown(quick)).toMatch(/\| mesh : up, CPU a request, at most .*\| MISSED \|/);
  expect(targetsMarkdown({ ...quick, rows: [] })).toBe("");
});
