import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { publishCurve, publishTable, readCurve, readTable } from "./docs.ts";
import { type Curve, type CurveName, curveNames, fullGrowth, quickGrowth } from "./growth/curves.ts";
import { curveMarkdown } from "./growth/markdown.ts";
import { runCurve } from "./growth/run.ts";
import { type SubjectName, subjectNames } from "./subjects/subject.ts";
import { comparison } from "./table/comparison.ts";
import { markdown } from "./table/markdown.ts";
import { fullPlan, type Plan, quickPlan, targetSubjects } from "./table/plan.ts";
import { runTable } from "./table/run.ts";

const help = `The bench. What it finds goes to stdout as Markdown, what it does to stderr. The table ends with its ratios beside the
published ones (docs/performance/table.json).

  npm run bench                          the table: about a quarter of an hour
  npm run bench -- --quick               the same in under two minutes, too short for figures that count
  npm run bench -- --only up,mesh        some of its rows: ${subjectNames.join(", ")}
  npm run bench -- --targets             the rows that the targets are about; with --before DIR mesh of that checkout too: 13 minutes
  npm run bench -- --before DIR          up and mesh beside those of another checkout, in one interleaved run
  npm run bench -- --growth              the growth curves: about half an hour
  npm run bench -- --growth --only keys  some of them: ${curveNames.join(", ")}

  --rounds N    rounds of the table
  --json FILE   everything that was measured
  --docs        also into docs/performance.md and docs/performance/
  --draw        measures nothing; writes docs/performance.md anew from docs/performance/*.json
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    only: { type: "string" },
    before: { type: "string" },
    targets: { type: "boolean", default: false },
    rounds: { type: "string" },
    json: { type: "string" },
    docs: { type: "boolean", default: false },
    draw: { type: "boolean", default: false },
  },
});

const startedMs = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}\n`);
};

/** The names of `--only` among the known ones; all where it is not given. */
function wanted<T extends string>(known: readonly T[], all: readonly T[]): readonly T[] {
  if (values.only === undefined) return all;
  const names = values.only.split(",");
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is not among ${known.join(", ")}`);
  return known.filter((name) => names.includes(name));
}

function usualSubjects({ subjects }: Plan): readonly SubjectName[] {
  const { before, targets } = values;
  if (targets) return before === undefined ? targetSubjects : [...targetSubjects, "mesh-before"];
  return before === undefined ? subjects : ["up", "up-before", "mesh", "mesh-before"];
}

function tablePlan(): Plan {
  const plan = values.quick ? quickPlan : fullPlan;
  const { before } = values;
  const usual = usualSubjects(plan);
  // The upstream alone is always there: all is compared with it.
  const subjects = new Set<SubjectName>(["direct", ...wanted(subjectNames, usual)]);
  const rounds = values.rounds === undefined ? plan.rounds : Number(values.rounds);
  return {
    ...plan,
    ...(before === undefined ? {} : { before: resolve(before) }),
    rounds,
    subjects: subjectNames.filter((name) => subjects.has(name)),
  };
}

async function table(): Promise<void> {
  const result = await runTable(tablePlan(), say);
  console.log(markdown(result));
  const published = readTable();
  if (published !== undefined) console.log(`\n${comparison(result, published)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.docs) publishTable(result);
}

async function growth(): Promise<void> {
  const curves: Partial<Record<CurveName, Curve>> = {};
  for (const name of wanted(curveNames, curveNames)) {
    say(`growth: ${name}`);
    const curve = await runCurve(name, values.quick ? quickGrowth : fullGrowth);
    curves[name] = curve;
    console.log(`## ${name}\n\n${curveMarkdown(curve)}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(curves, null, 2)}\n`);
    if (values.docs) await publishCurve(name, curve);
  }
}

async function drawAnew(): Promise<void> {
  const result = readTable();
  if (result !== undefined) publishTable(result);
  for (const name of curveNames) {
    const curve = readCurve(name);
    if (curve !== undefined) await publishCurve(name, curve);
  }
}

if (values.help) console.log(help);
else if (values.draw) await drawAnew();
else if (values.growth) await growth();
else await table();
say("done");
