// Renders the chart with each file of values and has kubeconform hold every object against Kubernetes 1.30 to 1.34 and the
// custom resources of the operators, strictly: a field too many is an error. By hand, since it takes gigabytes of downloads:
//
//   node test/helm/conform.ts          needs helm, kubeconform and go on the path
//
// The schemas come from the sources of Kubernetes and of the operators, by Go's module proxy. Exit code 1: an object is wrong.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { tell } from "../../shared/log-output.ts";
import { type Definition, downloadModule, readDefinitions } from "./operators.ts";

const chart = fileURLToPath(new URL("../../deploy/helm/throughline", import.meta.url));
const versions = ["1.30.14", "1.31.14", "1.32.10", "1.33.6", "1.34.4"];

type Schema = { [key: string]: unknown };

const folder = mkdtempSync(join(tmpdir(), "throughline-conform-"));
try {
  const crds = join(folder, "crds");
  mkdirSync(crds);
  for (const definition of readDefinitions()) writeDefinition(definition, crds);
  const objects = readdirSync(join(chart, "ci")).map((file) => ({ file, text: render(file) }));
  const kinds = new Set(objects.flatMap(({ text }) => parseAllDocuments(text).map((one) => nameOf(one.toJS()))));
  let wrong = 0;
  for (const version of versions) {
    const schemas = join(folder, version);
    mkdirSync(schemas);
    const swagger = readFileSync(
      join(downloadModule(`k8s.io/kubernetes@v${version}`), "api/openapi-spec/swagger.json"),
      "utf8",
    );
    writeKinds((JSON.parse(swagger) as { definitions: Record<string, Schema> }).definitions, kinds, schemas);
    for (const { file, text } of objects) {
      const name = "{{ .ResourceKind }}{{ .KindSuffix }}.json";
      const args = [
        "-strict",
        "-summary",
        "-kubernetes-version",
        version,
        "-schema-location",
        `${schemas}/${name}`,
        "-schema-location",
        `${crds}/${name}`,
      ];
      const { status, stdout, stderr } = spawnSync("kubeconform", [...args, "-"], { input: text, encoding: "utf8" });
      tell(`${version} ${file}: ${stdout.trim()} ${stderr.trim()}\n`);
      if (status !== 0) wrong += 1;
    }
  }
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function render(file: string): string {
  return execFileSync(
    "helm",
    ["template", "throughline", chart, "-n", "llm", "--kube-version", "1.32.0", "-f", join(chart, "ci", file)],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
}

/** The name under which kubeconform looks for a schema. */
function nameOf({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const [first = ""] = group.split(".");
  return [kind, first, version]
    .filter((part) => part !== "")
    .join("-")
    .toLowerCase();
}

/** Writes the schemas of those kinds, each with all that it refers to. */
function writeKinds(definitions: Readonly<Record<string, Schema>>, kinds: ReadonlySet<string>, into: string): void {
  for (const [name, definition] of Object.entries(definitions)) {
    const known = definition["x-kubernetes-group-version-kind"] as
      | { group: string; version: string; kind: string }[]
      | undefined;
    const [gvk] = known ?? [];
    if (gvk === undefined || known?.length !== 1) continue;
    const file = nameOf({ apiVersion: gvk.group === "" ? gvk.version : `${gvk.group}/${gvk.version}`, kind: gvk.kind });
    if (!kinds.has(file)) continue;
    const needed = new Map<string, Schema>();
    const collect = (one: string): void => {
      const found = definitions[one];
      if (found === undefined || needed.has(one)) return;
      needed.set(one, {});
      needed.set(one, strict(one, found, collect));
    };
    collect(name);
    writeFileSync(
      join(into, `${file}.json`),
      JSON.stringify({ $ref: `#/definitions/${name}`, definitions: Object.fromEntries(needed) }),
    );
  }
}

/** A definition of Kubernetes as a schema in which nothing else may stand. */
function strict(name: string, definition: Schema, collect: (name: string) => void): Schema {
  if (name.endsWith("IntOrString") || name.endsWith("resource.Quantity"))
    return { type: ["string", "integer", "number"] };
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== "object" || node === null) return node;
    const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
    if (typeof copy.$ref === "string") collect(copy.$ref.replace("#/definitions/", ""));
    return "properties" in copy && copy.additionalProperties === undefined && typeof copy.type === "string"
      ? { ...copy, additionalProperties: false }
      : copy;
  };
  return walk(definition) as Schema;
}

/** Writes the schemas of a custom resource, one for each of its versions. */
function writeDefinition({ spec }: Definition, into: string): void {
  for (const { name, schema } of spec.versions) {
    if (schema === undefined) continue;
    const called = nameOf({ apiVersion: `${spec.group}/${name}`, kind: spec.names.kind });
    writeFileSync(join(into, `${called}.json`), JSON.stringify(strictCrd(schema.openAPIV3Schema, true)));
  }
}

function strictCrd(node: unknown, isRoot = false): unknown {
  if (Array.isArray(node)) return node.map((one) => strictCrd(one));
  if (typeof node !== "object" || node === null) return node;
  const copy: Schema = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strictCrd(value)]));
  if (copy["x-kubernetes-int-or-string"] === true) return { type: ["string", "integer"] };
  const isOpen = copy["x-kubernetes-preserve-unknown-fields"] === true || copy.additionalProperties !== undefined;
  if (!isOpen && copy.type === "object" && typeof copy.properties === "object") copy.additionalProperties = false;
  if (isRoot) copy.properties = { ...(copy.properties as Schema), metadata: { type: "object" } };
  return copy;
}
