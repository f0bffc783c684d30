import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { isInstalled } from "./programs.ts";

interface Link {
  readonly title: string;
  readonly url: string;
}
interface Legend {
  readonly displayMode: string;
  readonly placement: string;
  readonly showLegend: boolean;
  readonly calcs: readonly string[];
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly options?: { readonly legend: Legend };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly links: readonly Link[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
}

const folder = new URL("../../deploy/observability/", import.meta.url);
let text = "";
let dashboard: Dashboard;
beforeAll(async () => {
  text = await readFile(new URL("grafana-dashboard.json", folder), "utf8");
  dashboard = JSON.parse(text) as Dashboard;
});
const targets = () => dashboard.panels.flatMap(({ title, targets: all = [] }) => all.map((one) => ({ title, ...one })));

/** Grafana's own, of what we use. */
const builtIn = ["__rate_interval", "__all"];

test("every panel has a number and a title of its own, a place that no other takes, and asks the data source that is provisioned", () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { title, type, gridPos, datasource, targets: all = [] } of panels) {
    expect(title).toMatch(/\S/);
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken, title).not.toContain(`${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
    }
    if (type === "row") continue;
    expect([title, datasource]).toEqual([title, { type: "prometheus", uid: "prometheus" }]);
    expect(all.length, title).toBeGreaterThan(0);
    expect(new Set(all.map(({ refId }) => refId)).size, title).toBe(all.length);
  }
});

// Checked in whole with the dashboard's schema in Grafana's foundation SDK for Go (UnmarshalJSONStrict), 0.0.22.
test("legends and links have all fields that Grafana's schema requires", () => {
  for (const { title, options } of dashboard.panels.filter(({ type }) => type !== "row")) {
    expect(Object.keys(options?.legend ?? {}).sort(), title).toEqual([
      "calcs",
      "displayMode",
      "placement",
      "showLegend",
    ]);
  }
  const required = [
    "asDropdown",
    "icon",
    "includeVars",
    "keepTime",
    "tags",
    "targetBlank",
    "title",
    "tooltip",
    "type",
    "url",
  ];
  for (const link of dashboard.links) expect(Object.keys(link).sort()).toEqual(required);
});

test("the variables that are asked for are those that there are", () => {
  const defined = dashboard.templating.list.map(({ name }) => name);
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
  expect(new Set(used)).toEqual(new Set([...defined, ...builtIn]));
});

test("a legend names labels that its query keeps", () => {
  for (const { title, expr, legendFormat = "" } of targets()) {
    const grouped = [...expr.matchAll(/\bby \(([^()]*)\)/g)].flatMap(([, names = ""]) => names.split(/,\s*/));
    const kept = expr.includes("by (") || /^(sum|max|histogram_quantile)\(/.test(expr) ? grouped : ["job", "instance"];
    for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept, title).toContain(label);
  }
});

test("its links lead to a screen of the console, and to searches of Jaeger by what our spans bear", async () => {
  const list = await readFile(new URL("../../console/src/layout/screen-list.ts", import.meta.url), "utf8");
  const paths = [...list.matchAll(/^ {4}path: "([^"]+)",$/gm)].map(([, path = ""]) => path);
  const screens = paths.map((path) => new RegExp(`^/console${path.replace(/:\w+/, "\\$\\{\\w+\\}")}$`));
  for (const { title, url } of dashboard.links) {
    const [, base, rest = ""] = /^\$\{(\w+)\}(.*)$/.exec(url) ?? [];
    expect([title, ["gateway", "jaeger"].includes(base ?? "")]).toEqual([title, true]);
    if (base === "gateway")
      expect(
        screens.some((screen) => screen.test(rest)),
        title,
      ).toBe(true);
    else {
      const { pathname, searchParams } = new URL(rest, "http://jaeger");
      expect([pathname, searchParams.get("service")]).toEqual(["/search", "throughline-gateway"]);
      const tags = JSON.parse(searchParams.get("tags") ?? "") as object;
      for (const tag of Object.keys(tags)) expect(["error", "throughline.request_id"]).toContain(tag);
    }
  }
});

test.skipIf(!isInstalled("promtool"))(
  "Prometheus can read every query",
  async () => {
    const made = await mkdtemp(join(tmpdir(), "throughline-dashboard-"));
    onTestFinished(() => rm(made, { recursive: true, force: true }));
    const filled = (query: string) => query.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*");
    const queries = [
      ...targets().map(({ expr }) => expr),
      ...dashboard.templating.list.flatMap(({ query }) =>
        typeof query === "string" ? [] : [/^label_values\(([^,]+), \w+\)$/.exec(query.query)?.[1] ?? query.query],
      ),
    ];
    expect(queries.length).toBeGreaterThan(30);
    const rules = queries.map((query, at) => ({ record: `query:${at}`, expr: filled(query) }));
    const file = join(made, "queries.yaml");
    await writeFile(file, stringify({ groups: [{ name: "queries", rules }] }));
    const { stdout, stderr } = await promisify(execFile)("promtool", ["check", "rules", "--lint=none", file]).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    expect(stderr).toBe("");
    expect(stdout).toContain(`SUCCESS: ${queries.length} rules found`);
  },
  60_000,
);
