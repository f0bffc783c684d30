import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { readValues, valuesSchema, valuesTable } from "../helm/values.ts";
import { declaredEnv } from "./declared-env.ts";

const chart = fileURLToPath(new URL("../../deploy/helm/throughline", import.meta.url));
const base = fileURLToPath(new URL("../../deploy/kubernetes/base", import.meta.url));
const read = (path: string) => readFileSync(join(chart, path), "utf8");
const valueFiles = readdirSync(join(chart, "ci"));
const values = readValues(read("values.yaml"));

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

const helm = (...args: string[]) => spawnSync("helm", args, { cwd: chart, encoding: "utf8" });
const hasHelm = helm("version").error === undefined;
const kustomized = spawnSync("kubectl", ["kustomize", base], { encoding: "utf8" });
const hasKubectl = kustomized.error === undefined;
if (!hasHelm) process.stdout.write("helm is not installed: the chart is not rendered\n");

describe("values.yaml", () => {
  test("is what README.md shows and values.schema.json demands", () => {
    const [before = "", , after = ""] = read("README.md").split(
      /(?<=<!-- values: made from values.yaml -->\n)|(?=<!-- \/values -->)/,
    );
    const [head = ""] = before.split("\n<!-- /values -->");
    const readme = `${head}${valuesTable(values)}\n<!-- /values -->\n`;
    const schema = `${JSON.stringify(valuesSchema(values), null, 2)}\n`;
    if (process.env.UPDATE_README !== undefined) {
      writeFileSync(join(chart, "README.md"), readme);
      writeFileSync(join(chart, "values.schema.json"), schema);
    }
    expect(read("README.md")).toBe(readme);
    expect(read("values.schema.json")).toBe(schema);
    expect(after).toBeDefined();
  });

  test("is used by a template, each of its values", () => {
    const templates = readdirSync(join(chart, "templates"), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(yaml|tpl|txt)$/.test(path))
      .map((path) => read(join("templates", path)))
      .join("\n");
    const unused = values.filter(({ path }) => !new RegExp(`\\b${path.split(".").at(-1)}\\b`).test(templates));
    expect(unused.map(({ path }) => path)).toEqual([]);
  });
});

test("the chart has the version of the package", () => {
  const { version } = JSON.parse(readFileSync(join(chart, "../../../package.json"), "utf8")) as { version: string };
  expect(read("Chart.yaml").match(/^(?:version|appVersion): (.*)$/gm)).toEqual([
    `version: ${version}`,
    `appVersion: ${version}`,
  ]);
});

describe.runIf(hasHelm)("helm", () => {
  test.each(valueFiles)(
    "renders %s, and every object of Kubernetes is valid by its schema",
    async (file) => {
      const linted = helm("lint", ".", "--strict", "--kube-version", "1.34.0", "-f", join("ci", file));
      expect([linted.stdout, linted.status]).toEqual([expect.any(String), 0]);
      const objects = rendered(file);
      const problems = await Promise.all(objects.map(schemaErrors));
      expect(problems.filter((problem) => problem !== "")).toEqual([]);
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
    },
    60_000,
  );

  test("settings are declared in the code", () => {
    const known = new Set(declaredEnv.flatMap(({ variables }) => Object.keys(variables)));
    const names = valueFiles.flatMap((file) =>
      rendered(file)
        .filter(({ kind }) => kind === "Deployment")
        .flatMap(({ metadata, spec }) => (metadata.name.endsWith("-valkey") ? [] : containersOf(spec)))
        .flatMap(({ env = [] }) =>
          env.filter(({ valueFrom }) => valueFrom?.fieldRef === undefined).map(({ name }) => name),
        ),
    );
    expect([...new Set(names)].filter((name) => !known.has(name) && name !== "POSTGRES_PASSWORD")).toEqual([]);
  });

  test("two releases in one namespace share no name and select none of each other's pods", () => {
    const [one, other] = ["one", "other"].map((release) => rendered("existing-secrets-values.yaml", release));
    const names = (objects: readonly Manifest[] = []) =>
      objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names(one).filter((name) => names(other).includes(name))).toEqual([]);
    for (const { spec, kind } of one ?? []) {
      const text = JSON.stringify(spec ?? {});
      if (kind === "NetworkPolicy" || kind === "Service") expect(text).toContain('"app.kubernetes.io/instance":"one"');
      expect(text).not.toContain('"other"');
    }
  });

  test("keys that are made belong to no release: neither its end nor a way back touches them", () => {
    const keys = rendered("trial-values.yaml").find(({ kind }) => kind === "Secret");
    expect(keys?.metadata.annotations).toMatchObject({
      "helm.sh/hook": "pre-install,pre-upgrade",
      "helm.sh/hook-delete-policy": "hook-failed",
    });
  });

  test.each([
    [[], "database.existingSecret must name a Secret"],
    [["--set", "database.existingSecret=a"], "keys.existingSecret must name a Secret"],
    [["--set", "databse.existingSecret=a"], "databse"],
    [
      ["--set", "database.existingSecret=a,keys.existingSecret=b,tls.enabled=true"],
      "tls.existingSecret must name a Secret",
    ],
    [["--set", "zones=Never"], "zones"],
  ])("says what cannot work: %j", (args, message) => {
    const { status, stderr } = helm("template", "x", ".", "--kube-version", "1.34.0", ...args);
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test.runIf(hasKubectl)("says the same as the manifests of Kustomize", () => {
    expect(kustomized.stderr).toBe("");
    const of = (objects: readonly Manifest[], kind: string) =>
      Object.fromEntries(objects.filter((one) => one.kind === kind).map((one) => [one.metadata.name, one.spec]));
    const [ours, theirs] = [rendered("kustomize-values.yaml"), documents(kustomized.stdout)].map((objects) =>
      (JSON.parse(plain(JSON.stringify(objects))) as Manifest[]).map(alike),
    ) as [Manifest[], Manifest[]];
    expect(Object.keys(of(theirs, "Deployment"))).toHaveLength(6);
    for (const kind of ["Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]) {
      expect(of(ours, kind)).toEqual(of(theirs, kind));
    }
    const roles = Object.keys(of(theirs, "Deployment"));
    for (const role of roles) {
      for (const way of ["ingress", "egress"] as const) {
        const [mine, yours] = [ours, theirs].map((objects) => peersOf(of(objects, "NetworkPolicy")[role], way));
        expect([role, way, mine]).toEqual([role, way, yours]);
      }
    }
  });
});

function rendered(file: string, release = "throughline"): Manifest[] {
  const { stdout, stderr, status } = helm(
    "template",
    release,
    ".",
    "-n",
    "llm",
    "--kube-version",
    "1.34.0",
    "-f",
    join("ci", file),
  );
  if (status !== 0) throw new Error(stderr);
  return documents(stdout);
}

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as Manifest],
  );
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly valueFrom?: { readonly fieldRef?: object } }[];
}

function containersOf(spec: Manifest["spec"]): readonly Container[] {
  const { template } = spec as { template?: { spec: { containers: readonly Container[] } } };
  return template?.spec.containers ?? [];
}

/** Names without what tells a release of the chart, or a version of a ConfigMap, apart. */
function plain(text: string): string {
  return text
    .replaceAll("kustomized-", "")
    .replaceAll(/throughline-(env)-[a-z0-9]{10}/g, "$1")
    .replaceAll('"throughline-config"', '"config"');
}

/** The processes that a network policy lets through over gRPC. */
function peersOf(spec: Manifest["spec"] | undefined, way: "ingress" | "egress"): string[] {
  const rules = (spec?.[way] ?? []) as readonly { readonly ports?: readonly { readonly port?: number }[] }[];
  const grpc = rules.filter(({ ports = [] }) => ports.some(({ port }) => port === 50_051));
  return [...JSON.stringify(grpc).matchAll(/"(gateway|routing|billing|provider|history|jobs)"/g)]
    .map(([, name = ""]) => name)
    .toSorted();
}

/** An object without what the two say differently on purpose: labels, zones, checksums, how DATABASE_URL and optional Secrets come. */
function alike(manifest: Manifest): Manifest {
  const copy = structuredClone(manifest) as unknown as Record<string, never>;
  drop(copy);
  return copy as unknown as Manifest;
}

const leftOut = new Set([
  "labels",
  "annotations",
  "selector",
  "labelSelector",
  "topologySpreadConstraints",
  "image",
  "serviceAccountName",
  "type",
]);

function drop(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (leftOut.has(key)) Reflect.deleteProperty(node, key);
    else if (key === "env" && Array.isArray(value)) {
      const known = value.filter(({ name }) => name !== "DATABASE_URL" && name !== "SHUTDOWN_GRACE_MS");
      Reflect.set(
        node,
        key,
        known.toSorted((a, b) => a.name.localeCompare(b.name)),
      );
    } else if (key === "envFrom" && Array.isArray(value)) {
      Reflect.set(
        node,
        key,
        value.filter(({ secretRef }) => secretRef?.name !== "throughline-database"),
      );
    } else if ((key === "volumes" || key === "volumeMounts" || key === "ports") && Array.isArray(value)) {
      Reflect.set(
        node,
        key,
        value.toSorted((a, b) => String(a.name).localeCompare(String(b.name))),
      );
      if (value.length === 0) Reflect.deleteProperty(node, key);
    } else drop(value);
  }
}

/** What the schema of the object's kind has against it; those of custom resources are held by test/helm/conform.ts. */
async function schemaErrors(manifest: Manifest): Promise<string> {
  if (/^(cert-manager|external-secrets|gateway\.networking|monitoring\.coreos)/.test(manifest.apiVersion)) return "";
  const module = (await import(
    /* @vite-ignore */ `kubernetes-models/${manifest.apiVersion}/${manifest.kind}`
  )) as Record<string, new (data: object) => { validate(): void }>;
  const Model = module[manifest.kind];
  if (Model === undefined) return `no model of ${manifest.apiVersion} ${manifest.kind}`;
  try {
    new Model(manifest).validate();
    return "";
  } catch (error) {
    return `${manifest.kind} ${manifest.metadata.name}: ${String(error)}`;
  }
}
