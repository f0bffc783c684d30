import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { settleRule } from "../../services/billing/domain/settlement.ts";
import { latencyCheckpoint } from "../../services/provider-adapter/domain/latency.ts";
import { exposedMetrics } from "./metric-names.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** The texts of the product's code and of what deploys it; the tests, this one among them, may name what is not there. */
const tracked = execFileSync("git", ["ls-files", "*.ts", "*.yaml"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n")
  .filter((path) => !/\.test\.ts$|^test\//.test(path) && existsSync(join(root, path)))
  .map(read);
/** What stands in backticks in the first column, or in the one given, of a document's tables. */
const column = (text: string, index: number): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) => [...(line.split("|")[index + 1] ?? "").matchAll(/`([a-z_0-9]+)`/g)])
    .map(([, name = ""]) => name);

test.each(["CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md", "shared/rpc/README.md"])(
  "names of the code in %s are in the code",
  (path) => {
    const names = [...read(path).matchAll(/`([a-z]+[A-Z]\w+)`/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(0);
    // An example of how units stand in names.
    const made = new Set(["priceNanoUsd"]);
    const gone = new Set(names).difference(made);
    for (const name of gone) if (tracked.some((text) => new RegExp(`\\b${name}\\b`).test(text))) gone.delete(name);
    expect([...gone]).toEqual([]);
  },
);

test("billing.md has a row for every way in which a request is settled, charged as the code charges it", () => {
  const text = read("docs/billing.md");
  const rows = text
    .slice(0, text.indexOf("## Reservation"))
    .split("\n")
    .filter((line) => line.startsWith("| "))
    // A batch as a whole follows no rule of an ending: its lines are charged, and its own entry is a charge of nothing.
    .filter((line) => line.split("|")[3]?.trim() !== "charge of 0");
  for (const ending of ["succeeded", "failed", "broken", "disconnected"] as const) {
    for (const policy of ["charge_delivered", "drain", "refund"] as const) {
      const { charges, reason } = settleRule(ending, policy);
      const told = rows.filter((row) => row.split("|")[4]?.includes(`\`${reason}\``)).map((row) => row.split("|"));
      expect([reason, told.length]).not.toEqual([reason, 0]);
      for (const cells of told) {
        expect([reason, cells[2]?.trim() !== "nothing"]).toEqual([reason, charges]);
        // The part behind a semicolon says when there is none.
        expect([reason, cells[3]?.split(";")[0]?.trim()]).toEqual([reason, charges ? "charge" : "release"]);
      }
    }
  }
});

test("billing.md lists the invariants of the audit in their order and words", () => {
  const names = [...read("services/billing/db/audit-invariants.ts").matchAll(/^ {4}name: "(.+)",$/gm)].map(
    ([, name = ""]) => name,
  );
  const told = [...read("docs/billing.md").matchAll(/^\d+\. (.+)[;.]$/gm)].map(([, name = ""]) => name);
  expect(told).toEqual(names);
});

test("latency.md defines every figure that there is, and the sums that it promises hold", () => {
  const moments = { sentUs: 30_000, firstByteUs: 41_000, firstContentUs: 42_000, lastByteUs: 241_000, nowUs: 243_000 };
  const figures = latencyCheckpoint(moments, 101);
  const text = read("docs/latency.md");
  expect(column(text.slice(text.indexOf("| Figure")), 0).toSorted()).toEqual(Object.keys(figures).toSorted());
  expect(figures).toEqual({
    pre_inference_ms: 30,
    engine_ttft_ms: 11,
    engine_ttlt_ms: 211,
    engine_tbt_ms: 2,
    service_ttft_ms: 41,
    service_ttlt_ms: 241,
    service_tbt_ms: 2,
    user_visible_ttft_ms: 42,
    total_duration_ms: 243,
  });
});

test("operations.md names every metric of ours that is shown, and no other", async () => {
  const shown = [...(await exposedMetrics())].filter((name) => /^(throughline|gen_ai)_/.test(name));
  const base = new Set(shown.map((name) => name.replace(/_(bucket|sum|count)$/, "")));
  const told = column(read("docs/operations.md"), 0).filter((name) => /^(throughline|gen_ai)_/.test(name));
  expect([...new Set(told)].toSorted()).toEqual([...base].toSorted());
});

test("a first start serves the models that the examples ask for", () => {
  const { models } = parse(read("services/routing/presets/models.yaml"), { merge: true }) as {
    models: { name: string }[];
  };
  const served = new Set(models.map(({ name }) => name));
  const pages = execFileSync("git", ["ls-files", "README*.md", "docs/*.md", "client/README.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const asked = pages
    .trim()
    .split("\n")
    .flatMap((page) => [...read(page).matchAll(/"?model"?[:=] ?"([^"]+)"/g)].map(([, name = ""]) => ({ page, name })));
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter(({ name }) => !served.has(name) && !/^([a-z]+\/)?sim-/.test(name))).toEqual([]);
});
