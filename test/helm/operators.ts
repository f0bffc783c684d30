import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

/** The operators whose custom resources the chart makes: the module of each and its folder of definitions. */
const operators = [
  { module: "github.com/cert-manager/cert-manager@v1.18.2", folder: "deploy/crds" },
  { module: "sigs.k8s.io/gateway-api@v1.3.0", folder: "config/crd/standard" },
  { module: "github.com/prometheus-operator/prometheus-operator@v0.85.0", folder: "example/prometheus-operator-crd" },
  { module: "github.com/external-secrets/external-secrets@v0.19.2", folder: "config/crds/bases" },
] as const;

/** Where the sources of a module are, which Go's module proxy gives. */
export function downloadModule(module: string): string {
  const out = execFileSync("go", ["mod", "download", "-json", module], { encoding: "utf8", cwd: tmpdir() });
  return (JSON.parse(out) as { Dir: string }).Dir;
}

/** The definition of a custom resource, as far as it is read here. */
export interface Definition {
  readonly kind: string;
  readonly metadata: { readonly name: string; labels?: unknown };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema?: { readonly openAPIV3Schema: Readonly<Record<string, unknown>> };
    }[];
    conversion?: unknown;
  };
}

/** How the operators define their custom resources, without the labels of their charts and the conversion that they would do. */
export function readDefinitions(): Definition[] {
  return operators.flatMap(({ module, folder }) => {
    const at = join(downloadModule(module), folder);
    const files = readdirSync(at).filter((file) => file.endsWith(".yaml"));
    return files.flatMap((file) => parseAllDocuments(readFileSync(join(at, file), "utf8")).flatMap(definitionOf));
  });
}

function definitionOf(document: { toJS(): unknown }): Definition[] {
  const definition = document.toJS() as Definition | null;
  if (definition?.kind !== "CustomResourceDefinition") return [];
  delete definition.metadata.labels;
  delete definition.spec.conversion;
  return [definition];
}
