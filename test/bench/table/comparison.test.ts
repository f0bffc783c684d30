import { expect, test } from "vitest";
import { readTable } from "../docs.ts";
import { comparison } from "./comparison.ts";
import type { TableResult } from "./run.ts";

const table = readTable();
if (table === undefined) throw new Error("docs/performance/table.json is missing");
/** What is published may have more rows. */
const rowNames = ["direct", "floor", "peer", "up", "mesh"];
const published: TableResult = { ...table, rows: table.rows.filter(({ name }) => rowNames.includes(name)) };

/** The published run with the CPU of `up` times `factor`. */
function heavier(factor: number): TableResult {
  const result = structuredClone(published);
  const rows = result.rows.map((row) =>
    row.name !== "up"
      ? row
      : {
          ...row,
          rounds: row.rounds.map((round) => ({
            ...round,
            load: { ...round.load, cpuMs: { up: (round.load.cpuMs.up ?? 0) * factor } },
          })),
        },
  );
  return { ...result, rows };
}

const agreement = (text: string) => (/(\d+) of (\d+) ratios agree/.exec(text) ?? []).slice(1).map(Number);

test("a run agrees with itself, and not with one that takes a hundred times the CPU", () => {
  const [same = 0, all = 0] = agreement(comparison(published, published));
  expect([same, all > 0]).toEqual([all, true]);
  // These ratios are `up` to floor, `up` to peer and `mesh` to `up`, each for CPU without and with PostgreSQL.
  const differing = comparison(heavier(100), published);
  expect(differing.match(/DIFFERS/g)).toHaveLength(6);
  expect(agreement(differing)).toEqual([all - 6, all]);
});
