import { expect, test } from "vitest";
import { createTallies } from "./tallies.ts";

test("a bucket's bound belongs to it, and what is above the last has a bucket of its own", () => {
  const tallies = createTallies();
  const sizes = tallies.histogram({ name: "sizes", description: "", unit: "", boundaries: [1, 2, 4] }, ["kind"]);
  for (const size of [0, 1, 1.5, 2, 4, 4.1, 900]) sizes.record(size, "a");
  expect(tallies.collect()).toMatchObject([
    {
      descriptor: { name: "sizes" },
      dataPoints: [
        {
          attributes: { kind: "a" },
          value: { buckets: { boundaries: [1, 2, 4], counts: [2, 2, 1, 2] }, count: 7, sum: 912.6 },
        },
      ],
    },
  ]);
});

test("series are told apart by every label, one that is undefined is left out", () => {
  const tallies = createTallies();
  const sum = tallies.sum("sum", "", ["a", "b"], true);
  sum.add(1, "x", "y");
  sum.add(2, "x", undefined);
  sum.add(4, undefined, "y");
  sum.add(8, "x", "y");
  expect(tallies.collect()[0]?.dataPoints.map(({ attributes, value }) => ({ attributes, value }))).toEqual([
    { attributes: { a: "x", b: "y" }, value: 9 },
    { attributes: { a: "x" }, value: 2 },
    { attributes: { b: "y" }, value: 4 },
  ]);
});

test("what was never counted does not show, and too many series are counted together", () => {
  const tallies = createTallies();
  tallies.sum("never", "", [], true);
  const sum = tallies.sum("sum", "", ["one", "two"], true);
  for (let n = 0; n < 5_000; n += 1) sum.add(1, `${n % 10}`, `${n}`);
  const [metric, ...others] = tallies.collect();
  expect(others).toEqual([]);
  expect(metric?.dataPoints).toHaveLength(2_001);
  expect(metric?.dataPoints.at(-1)).toMatchObject({ attributes: { "otel.metric.overflow": "true" }, value: 3_000 });
});
