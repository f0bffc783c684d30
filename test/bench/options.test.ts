import { expect, test } from "vitest";
import { BenchError } from "./bench-error.ts";
import { readOptions } from "./options.ts";
import { root } from "./subjects/ground.ts";

/** The rows of a table's run. */
function rowsOf(...args: string[]): readonly string[] {
  const task = readOptions(args);
  if (task.kind !== "table") throw new Error(`${args.join(" ")} is no table`);
  return task.plan.subjects;
}

test.each([
  [[], ["direct", "floor", "peer", "up", "mesh", "up-traced", "mesh-traced"]],
  [["--quick"], ["direct", "floor", "peer", "up", "mesh"]],
  [
    ["--only", "mesh,up"],
    ["direct", "up", "mesh"],
  ],
  [
    ["--peer", "litellm", "--quick"],
    ["direct", "floor", "peer", "litellm", "up", "mesh"],
  ],
  [["--targets"], ["direct", "floor", "peer", "up", "mesh"]],
  [
    ["--targets", "--before", root],
    ["direct", "floor", "peer", "up", "mesh", "mesh-before"],
  ],
  [
    ["--before", root],
    ["direct", "up", "up-before", "mesh", "mesh-before"],
  ],
])("%j runs %j", (args, rows) => {
  expect(rowsOf(...args)).toEqual(rows);
});

test("what is published is what was asked for", () => {
  const docs = (...args: string[]) => {
    const task = readOptions(args);
    return "docs" in task ? task.docs : undefined;
  };
  expect([docs(), docs("--docs"), docs("--targets", "--docs"), docs("--growth", "--docs")]).toEqual([
    "none",
    "table",
    "targets",
    true,
  ]);
});

test.each([
  [["--only", "up,nobody"], '--only: "nobody" is not among direct,'],
  [["--growth", "--only", "up"], '--only: "up" is not among concurrency,'],
  [["--peer", "kong"], '--peer: "kong" is not among litellm'],
  [["--rounds", "some"], '--rounds: "some" is not a number'],
  [["--rounds", "0"], '--rounds: "0" is not a number'],
  [["--before", "/nowhere"], "--before: /nowhere has no cli/main.ts"],
  [["--only", "mesh-before"], "need --before DIR"],
  [["--quick", "--docs"], "--docs publishes figures that count"],
  [["--only", "up,floor", "--docs"], "there is no peer, mesh in this run"],
  [["--before", root, "--docs"], "there is no floor, peer in this run"],
  [["--fast"], "--help says what there is"],
])("%j is refused in a sentence", (args, sentence) => {
  expect(() => readOptions(args)).toThrow(BenchError);
  expect(() => readOptions(args)).toThrow(sentence);
});
