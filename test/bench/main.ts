import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { BenchError } from "./bench-error.ts";
import { drawAnew, publishCurve, publishTable, publishTargets, readTable } from "./docs.ts";
import type { Curve, CurveName } from "./growth/curves.ts";
import { curveMarkdown } from "./growth/markdown.ts";
import { runCurve } from "./growth/run.ts";
import { help, readOptions, type Task } from "./options.ts";
import { comparison } from "./table/comparison.ts";
import { markdown } from "./table/markdown.ts";
import { runTable } from "./table/run.ts";
import { targetsMarkdown } from "./table/targets-markdown.ts";
import { Interrupted, withGround } from "./with-ground.ts";

const startedMs = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}\n`);
};

async function table({ plan, docs, json }: Extract<Task, { kind: "table" }>): Promise<void> {
  const result = await withGround(say, (ground) => runTable(ground, plan, say));
  const published = readTable();
  const parts = [
    markdown(result),
    targetsMarkdown(result),
    published === undefined ? "" : comparison(result, published),
  ];
  console.log(parts.filter((part) => part !== "").join("\n\n"));
  writeJson(json, result);
  if (docs === "table") await publishTable(result);
  if (docs === "targets") await publishTargets(result);
}

async function growth({ plan, curves, docs, json }: Extract<Task, { kind: "growth" }>): Promise<void> {
  const found: Partial<Record<CurveName, Curve>> = {};
  for (const name of curves) {
    say(`growth: ${name}`);
    const curve = await withGround(say, (ground) => runCurve(ground, name, plan));
    found[name] = curve;
    console.log(`## ${name}\n\n${curveMarkdown(curve)}\n`);
    writeJson(json, found);
    if (docs) await publishCurve(name, curve);
  }
}

function writeJson(file: string | undefined, found: object): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
}

/** What cannot be written is told before the minutes that it takes to measure it; what is there stays until then. */
function assertWritable(file: string | undefined): void {
  try {
    if (file !== undefined) appendFileSync(file, "");
  } catch (error) {
    throw new BenchError(`--json: ${(error as Error).message}`);
  }
}

async function run(): Promise<void> {
  const task = readOptions(process.argv.slice(2));
  if (task.kind === "help") return console.log(help);
  if (task.kind === "draw") return await drawAnew();
  if (!existsSync("/proc/self/stat"))
    throw new BenchError("CPU time and memory are read from /proc, which this system has not: the bench runs on Linux");
  assertWritable(task.json);
  await (task.kind === "growth" ? growth(task) : table(task));
}

try {
  await run();
  say("done");
} catch (error) {
  const isOwn = error instanceof BenchError || error instanceof Interrupted;
  say(isOwn ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
}
// An interrupted or broken run need not wait for anything that is still open.
if (process.exitCode !== undefined) process.exit();
