import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Role } from "../../cli/role-env.ts";
import { roleFlags } from "../../cli/role-flags.ts";

/* What a mesh gives node for the memory of a process, its containers give it too. */

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Compose {
  readonly services: Readonly<Record<string, { readonly entrypoint?: readonly string[] }>>;
}
interface Deployment {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly [{ readonly command?: readonly string[] }] } };
  };
}

/** What starts a container; undefined: what the image says. */
const startOf: Readonly<Record<string, (name: string) => readonly string[] | undefined>> = {
  "docker-compose.yml": (name) =>
    (parse(read("docker-compose.yml"), { merge: true }) as Compose).services[name]?.entrypoint,
  "the manifests": (name) =>
    (parse(read(`deploy/kubernetes/base/${name}.yaml`).split("\n---")[0] ?? "") as Deployment).spec.template.spec
      .containers[0].command,
  "the Helm chart": (name) => chartStart(name),
};

/** The chart's line, as the template has it: helm itself may not be there. */
function chartStart(name: string): readonly string[] | undefined {
  const template = read("deploy/helm/throughline/templates/deployments.yaml");
  const storing = /\$storing := list (.*) }}/.exec(template)?.[1] ?? "";
  if (!storing.includes(`"${name}"`)) return undefined;
  const line = /\{\{- if \$stores }}\n\s+#[^\n]*\n\s+command: (.*)\n/.exec(template)?.[1] ?? "";
  const filled = line.replace(/\{\{ if eq \$role "(\w+)" }}(.*?)\{\{ end }}/, (_, role: string, text: string) =>
    role === name ? text : "",
  );
  return parse(filled) as readonly string[];
}

const roles: readonly [name: string, role: Role][] = [
  ["gateway", "gateway"],
  ["routing", "routing"],
  ["billing", "billing"],
  ["provider", "provider-adapter"],
  ["history", "history"],
  ["jobs", "jobs"],
];

test.each(Object.entries(startOf))("%s gives each process the memory that a mesh gives it", (_, start) => {
  const image = /ENTRYPOINT (\[.*\])/.exec(read("deploy/Dockerfile"))?.[1] ?? "";
  const [node, ...main] = parse(image) as readonly string[];
  for (const [name, role] of roles) {
    const flags = roleFlags(role, {});
    expect([name, start(name)]).toEqual([name, flags.length === 0 ? undefined : [node, ...flags, ...main]]);
  }
});

test("node takes these arguments, also beside a NODE_OPTIONS that says less", () => {
  const script = "console.log(process.execArgv.length, v8.getHeapStatistics().heap_size_limit > 0)";
  for (const NODE_OPTIONS of ["", "--max-old-space-size=96", "--max-semi-space-size=64"]) {
    const flags = roleFlags("history", {});
    const { stdout } = spawnSync(process.execPath, [...flags, "-e", script], {
      encoding: "utf8",
      env: { NODE_OPTIONS },
    });
    expect(stdout).toBe(`${flags.length + 2} true\n`);
  }
});
