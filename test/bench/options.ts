import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BenchError } from "./bench-error.ts";
import { type CurveName, curveNames, fullGrowth, type GrowthPlan, quickGrowth } from "./growth/curves.ts";
import { type SubjectName, subjectNames } from "./subjects/subject.ts";
import { fullPlan, type Plan, quickPlan, targetSubjects } from "./table/plan.ts";

/** Peers that come on demand, for they take minutes to install. */
const peerNames = ["litellm"] as const satisfies readonly SubjectName[];

/** What the bench says of itself. */
export const help = `The bench. What it finds goes to stdout as Markdown, what it does to stderr. The table ends with its ratios beside the
published ones (docs/performance/table.json).

  npm run bench                          the table: about 20 minutes
  npm run bench -- --quick               the same in under three minutes, too short for figures that count
  npm run bench -- --only up,mesh        some of its rows: ${subjectNames.join(", ")}
  npm run bench -- --peer litellm        a row more: LiteLLM from PyPI, for which Python is needed
  npm run bench -- --targets             the rows that the targets are about; with --before DIR mesh of that checkout too: 15 minutes
  npm run bench -- --before DIR          up and mesh beside those of another checkout, in one interleaved run
  npm run bench -- --growth              the growth curves: about half an hour
  npm run bench -- --growth --only keys  some of them: ${curveNames.join(", ")}

  --rounds N    rounds of the table
  --json FILE   everything that was measured
  --docs        also into docs/performance.md and docs/performance/; with --targets the targets alone
  --draw        measures nothing; writes docs/performance.md anew from docs/performance/*.json
`;

/** What a run of the bench is to do. */
export type Task =
  | { readonly kind: "help" }
  | { readonly kind: "draw" }
  | { readonly kind: "table"; readonly plan: Plan; readonly docs: "none" | "table" | "targets"; readonly json?: string }
  | {
      readonly kind: "growth";
      readonly curves: readonly CurveName[];
      readonly plan: GrowthPlan;
      readonly docs: boolean;
      readonly json?: string;
    };

/** Reads the command line. Throws a BenchError that says what is wrong with it. */
export function readOptions(args: readonly string[]): Task {
  const given = parsed(args);
  if (given.help) return { kind: "help" };
  if (given.draw) return { kind: "draw" };
  if (given.docs && given.quick)
    throw new BenchError("--docs publishes figures that count, which those of --quick do not");
  const json = given.json === undefined ? {} : { json: given.json };
  if (given.growth) {
    const curves = wanted(given.only, curveNames) ?? curveNames;
    return { kind: "growth", curves, plan: given.quick ? quickGrowth : fullGrowth, docs: given.docs, ...json };
  }
  const docs = given.docs ? (given.targets ? "targets" : "table") : "none";
  const plan = tablePlan(given);
  const missing = targetSubjects.filter((name) => !plan.subjects.includes(name));
  if (given.docs && missing.length > 0)
    throw new BenchError(`--docs publishes what the page speaks of, and there is no ${missing.join(", ")} in this run`);
  return { kind: "table", plan, docs, ...json };
}

type Given = ReturnType<typeof parsed>;

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        growth: { type: "boolean", default: false },
        only: { type: "string" },
        peer: { type: "string" },
        before: { type: "string" },
        targets: { type: "boolean", default: false },
        rounds: { type: "string" },
        json: { type: "string" },
        docs: { type: "boolean", default: false },
        draw: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new BenchError(`${(error as Error).message}. npm run bench -- --help says what there is.`);
  }
}

function tablePlan({ quick, targets, only, peer, before, rounds }: Given): Plan {
  const plan = quick ? quickPlan : fullPlan;
  const checkout = before === undefined ? undefined : checkoutIn(before);
  // The upstream alone is always there: all is compared with it.
  const named = new Set<SubjectName>(["direct", ...(wanted(only, subjectNames) ?? usual(plan, targets, before))]);
  for (const name of wanted(peer, peerNames, "--peer") ?? []) named.add(name);
  if (checkout === undefined && (named.has("up-before") || named.has("mesh-before")))
    throw new BenchError("up-before and mesh-before need --before DIR: the checkout whose code they run");
  return {
    ...plan,
    ...(checkout === undefined ? {} : { before: checkout }),
    rounds: rounds === undefined ? plan.rounds : roundsOf(rounds),
    subjects: subjectNames.filter((name) => named.has(name)),
  };
}

function usual({ subjects }: Plan, targets: boolean, before: string | undefined): readonly SubjectName[] {
  if (targets) return before === undefined ? targetSubjects : [...targetSubjects, "mesh-before"];
  return before === undefined ? subjects : ["up", "up-before", "mesh", "mesh-before"];
}

/** The names of a list among the known ones, in their order; undefined where none is given. */
function wanted<T extends string>(list: string | undefined, known: readonly T[], option = "--only"): T[] | undefined {
  if (list === undefined) return undefined;
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new BenchError(`${option}: "${unknown}" is not among ${known.join(", ")}`);
  return known.filter((name) => names.includes(name));
}

function roundsOf(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new BenchError(`--rounds: "${text}" is not a number from 1 to 100`);
  return rounds;
}

function checkoutIn(folder: string): string {
  const path = resolve(folder);
  for (const part of ["cli/main.ts", "node_modules"])
    if (!existsSync(join(path, part)))
      throw new BenchError(
        `--before: ${path} has no ${part}; it is to be a checkout with its dependencies (npm install)`,
      );
  return path;
}
