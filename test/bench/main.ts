import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { subjectNames } from "./subjects/subject.ts";
import { fullPlan, type Plan, quickPlan } from "./table/plan.ts";
import { markdown } from "./table/print.ts";
import { runTable } from "./table/run.ts";

// The bench: `npm run bench -- [--quick] [--json FILE] [--only up,mesh]`. What is printed is Markdown; progress goes to stderr.

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string" },
  },
});

const startedMs = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}\n`);
};

function planned(): Plan {
  const plan = values.quick ? quickPlan : fullPlan;
  const rounds = values.rounds === undefined ? plan.rounds : Number(values.rounds);
  if (values.only === undefined) return { ...plan, rounds };
  // The upstream alone is always there: all is compared with it.
  const wanted = new Set(["direct", ...values.only.split(",")]);
  for (const name of wanted) {
    if (!subjectNames.some((known) => known === name))
      throw new Error(`--only: no row ${name}; there are ${subjectNames.join(", ")}`);
  }
  return { ...plan, rounds, subjects: subjectNames.filter((name) => wanted.has(name)) };
}

const result = await runTable(planned(), say);
console.log(markdown(result));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
say("done");
