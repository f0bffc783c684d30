import { expect, test } from "vitest";
import type { CountedLoad } from "./counts.ts";
import { countsMarkdown } from "./counts-markdown.ts";

const load: CountedLoad = {
  concurrency: 64,
  fresh: false,
  requests: 1_000,
  perSecond: 2_000,
  p50Ms: 30,
  p99Ms: 60,
  cpuMs: { gateway: 0.1, billing: 0.05 },
  databaseCpuMs: 0.09,
  own: { switches: 1_400, calls: 9_000, writtenBytes: 2_500_000 },
};
const ours: CountedLoad = {
  ...load,
  database: { switches: 300, calls: undefined, writtenBytes: undefined },
  tally: {
    lanes: {
      Reserve: { asked: 50, calls: 1_000, answered: 40 },
      Settle: { asked: 25, calls: 1_000, answered: 25 },
      Watch: { asked: 2, calls: 2, answered: 2 },
    },
    statements: 70,
    transactions: 60,
  },
  walBytes: 1_234_000,
};

/** Rows of a table by their first cell. */
function cells(table: string | undefined): Map<string, string[]> {
  const lines = (table ?? "").split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return new Map(lines.map(([name = "", ...rest]) => [name, rest]));
}

test("counts are told for one request, and a lane of housekeeping is left out", () => {
  const [requests, lanes] = countsMarkdown([
    { name: "floor", loads: [{ ...load, fresh: true, concurrency: 256 }] },
    { name: "mesh", loads: [ours] },
  ]);
  const found = cells(requests);
  const titled = (name: string): Record<string, string | undefined> =>
    Object.fromEntries(found.get("a request in counts")?.map((title, at) => [title, found.get(name)?.[at]]) ?? []);
  expect(titled("mesh, c = 64")).toMatchObject({
    "CPU-us": "150",
    "lane messages": "0.14",
    "calls a message": "26.0",
    statements: "0.070",
    transactions: "0.060",
    "WAL bytes": "1234",
    "waits (switches)": "1.40",
    "reads and writes": "9.0",
    "bytes written": "2500",
  });
  expect(titled("floor, c = 256, new connections")).toMatchObject({ "lane messages": "-", "WAL bytes": "-" });
  expect([...cells(lanes)]).toEqual([
    ["calls a message", ["Reserve", "Settle"]],
    [expect.stringMatching(/^-+$/), expect.anything()],
    ["mesh, c = 64", ["20.0", "40.0"]],
  ]);
});

test("a run that did not count says nothing", () => {
  expect(countsMarkdown()).toEqual([]);
  expect(countsMarkdown([])).toEqual([]);
});
