import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";

const folder = new URL("../../deploy/observability/", import.meta.url);
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}
interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
  }[];
}

test("every alert has a case in which it fires", () => {
  const read = (name: string): unknown => parse(readFileSync(new URL(name, folder), "utf8"));
  const alerts = (read("alerts.yaml") as Rules).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const fires = (read("alerts-test.yaml") as RuleTests).tests
    .flatMap((one) => one.alert_rule_test)
    .filter((one) => one.exp_alerts.length > 0);
  expect(new Set(fires.map(({ alertname }) => alertname))).toEqual(new Set(alerts));
});

test.skipIf(!hasPromtool)("Prometheus finds the rules right, and each fires and is silent where it should", () => {
  const run = (...args: string[]) => spawnSync("promtool", args, { cwd: fileURLToPath(folder), encoding: "utf8" });
  const checked = run("check", "rules", "alerts.yaml");
  expect([checked.status, checked.stderr]).toEqual([0, ""]);
  const tested = run("test", "rules", "alerts-test.yaml");
  expect([tested.status, tested.stderr]).toEqual([0, ""]);
});
