import { expect, test } from "vitest";
import { readTable } from "../docs.ts";
import type { Curve } from "../growth/curves.ts";
import { sizing } from "./sizing.ts";

const published = readTable();
if (published === undefined) throw new Error("docs/performance/table.json is missing");
const { unread: _, ...table } = published;

const curve: Curve = {
  machine: published.machine,
  points: [
    { series: "up", x: 1_000, values: { kbPerStream: 44.4 } },
    { series: "up", x: 100, values: { kbPerStream: 99 } },
    { series: "mesh", x: 100, values: { kbPerStream: 66 } },
  ],
};

/** Cells of a row by its name. */
const cells = (text: string, name: string) =>
  text
    .split("\n")
    .find((line) => line.startsWith(`| \`${name}\``))
    ?.split("|")
    .map((cell) => cell.trim())
    .slice(2, -1);

test("rates a core are what the CPU of a request allows, and memory is that of most streams, or of the table's own", () => {
  const rows = table.rows.map((row) => ({
    ...row,
    rounds: row.rounds.map((round) => ({
      ...round,
      load: { ...round.load, cpuMs: { [row.name]: 0.25 }, databaseCpuMs: 0.1 },
    })),
  }));
  const text = sizing({ ...table, rows }, curve, curve);
  // 0.7 of 1,000 ms in parts of 0.35 ms.
  expect(cells(text, "up")?.slice(0, 3)).toEqual(["0.25", "0.10", "2,000"]);
  expect(cells(text, "up")?.slice(-2)).toEqual(["44", "44"]);
  expect(cells(text, "mesh")?.slice(-2)).toEqual(["66", "66"]);
  const measured = { ...table, unread: [{ name: "up", streams: 1_000, kbPerStream: 120 }] as const };
  expect(cells(sizing(measured, curve, curve), "up")?.slice(-2)).toEqual(["44", "120"]);
  expect(cells(sizing(table, undefined, undefined), "up")?.slice(-2)).toEqual(["-", "-"]);
});

test("a run without our rows says nothing", () => {
  expect(sizing({ ...table, rows: [] }, curve, curve)).toBe("");
});
