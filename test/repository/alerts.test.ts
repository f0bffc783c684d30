import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { isInstalled } from "./programs.ts";

const root = new URL("../../", import.meta.url);
const folder = new URL("deploy/observability/", root);
/** The second has the cases of hours, in which the rules are evaluated less often. */
const testFiles = ["alerts-test.yaml", "alerts-slow-test.yaml"];

interface Rule {
  /** Absent: the rule records. */
  readonly alert?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
  }[];
}

const read = (name: string): unknown => parse(readFileSync(new URL(name, folder), "utf8"));
const alerts = (read("alerts.yaml") as Rules).groups
  .flatMap(({ rules }) => rules)
  .flatMap(({ alert, annotations = {} }) => (alert === undefined ? [] : [{ name: alert, annotations }]));
const names = new Set(alerts.map(({ name }) => name));

test("every alert has a case in which it fires, and one in which it is silent", () => {
  const cases = testFiles.flatMap((file) => (read(file) as RuleTests).tests).flatMap((one) => one.alert_rule_test);
  const namesOf = (fires: boolean) =>
    new Set(cases.filter((one) => one.exp_alerts.length > 0 === fires).map(({ alertname }) => alertname));
  expect(namesOf(true)).toEqual(names);
  expect(namesOf(false)).toEqual(names);
});

test("every alert leads to its page, which says what it means, what to look at and what to do", () => {
  for (const { name, annotations } of alerts) {
    expect(annotations.runbook_url).toBe(`docs/runbooks/${name}.md`);
    const page = new URL(`docs/runbooks/${name}.md`, root);
    expect(existsSync(page), name).toBe(true);
    const text = readFileSync(page, "utf8");
    expect(text).toMatch(
      new RegExp(
        `^# ${name}\\n\\n## What it means\\n\\n\\S.*\\n\\n## What to look at\\n\\n\`\`\`bash\\n[^]*\\n## What to do\\n\\n- `,
      ),
    );
  }
  expect(new Set(readdirSync(new URL("docs/runbooks/", root)).map((file) => file.replace(/\.md$/, "")))).toEqual(names);
});

// One process for all: it refuses rules that are wrong before it tries any. 2 s of CPU; a busy machine may take its time.
test.skipIf(!isInstalled("promtool"))(
  "Prometheus finds the rules right, and each fires and is silent where it should",
  async () => {
    const run = promisify(execFile)("promtool", ["test", "rules", ...testFiles], { cwd: fileURLToPath(folder) });
    const { stdout } = await run.catch((error: { stdout: string; stderr: string }) => error);
    expect(stdout.match(/SUCCESS/g), stdout).toHaveLength(testFiles.length);
  },
  120_000,
);
