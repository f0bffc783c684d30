import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { secretRoles } from "../../cli/role-env.ts";
import { loadConfiguration } from "../../services/routing/domain/load.ts";
import { createPriceTable } from "../../services/routing/domain/price-table.ts";
import { readPresets } from "../../services/routing/live/presets.ts";
import { mayBeFile } from "../../shared/secret-files.ts";
import { telemetryConfig } from "../../shared/telemetry/index.ts";
import { declaredEnv } from "./declared-env.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "deploy/kubernetes");

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[];
}
interface Port {
  readonly name?: string;
  readonly port?: number;
  readonly containerPort?: number;
  readonly targetPort?: string;
}
interface Peers {
  readonly ports?: readonly Port[];
  readonly from?: readonly { readonly podSelector?: Selector }[];
  readonly to?: readonly { readonly podSelector?: Selector }[];
}
interface Container {
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: {
      readonly secretKeyRef?: { readonly name: string };
      readonly fieldRef?: { readonly fieldPath: string };
    };
  }[];
  readonly envFrom?: readonly { readonly secretRef?: { readonly name: string } }[];
  readonly ports?: readonly Port[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly securityContext?: Readonly<Record<string, unknown>>;
}
interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly clusterIP?: string;
    readonly selector?: Selector & Readonly<Record<string, string>>;
    readonly ports?: readonly Port[];
    readonly podSelector?: Selector;
    readonly ingress?: readonly Peers[];
    readonly egress?: readonly Peers[];
    readonly scaleTargetRef?: { readonly name: string };
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly Container[]; readonly securityContext?: object };
    };
  };
}

const services = ["routing", "billing", "provider", "history", "jobs"];
const roles = ["gateway", ...services];
const nameLabel = "app.kubernetes.io/name";

/** The manifests as they are written; patches and kustomizations left out. */
const written = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".yaml") && !/kustomization|-patch|throughline\.yaml$/.test(basename(path)))
  .flatMap((path) => documents(readFileSync(join(folder, path), "utf8")));
/** The same as kustomize puts them together; only where kubectl is installed. */
const kustomized = spawnSync("kubectl", ["kustomize", join(folder, "overlays/production")], { encoding: "utf8" });
const hasKubectl = kustomized.error === undefined;

const of = (kind: string, from = written) => from.filter((manifest) => manifest.kind === kind);
const named = (kind: string, name: string, from = written) => {
  const found = of(kind, from).find((manifest) => manifest.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};
const containerOf = (name: string, from = written) => {
  const [container] = named("Deployment", name, from).spec.template?.spec.containers ?? [];
  if (container === undefined) throw new Error(`no container in ${name}`);
  return container;
};

test("every object has fields and types that Kubernetes knows", () => {
  expect(typeErrors(written)).toEqual([]);
  // A slip of the pen gives a field that the API server would drop in silence.
  const slip = structuredClone(written.find(({ kind }) => kind === "Deployment")) as unknown as { spec: object };
  Object.assign(slip.spec, { replicass: 2 });
  expect(typeErrors([slip as unknown as Manifest]).join()).toContain("replicass");
}, 60_000);

test("every object is valid by its schema", async () => {
  for (const manifest of written) expect(await schemaErrors(manifest)).toBe("");
  expect(await schemaErrors({ ...named("Service", "gateway"), spec: { ports: [{}] } } as Manifest)).not.toBe("");
}, 30_000);

describe("a Deployment for each process", () => {
  test.each(roles)("%s runs its role and is probed where it listens", (role) => {
    const { args, ports = [], startupProbe, readinessProbe, livenessProbe } = containerOf(role);
    expect(args).toEqual([role]);
    const open = ports.map(({ containerPort }) => containerPort);
    const isGateway = role === "gateway";
    expect(open).toEqual([isGateway ? 8080 : 50_051, 9_464]);
    // No probe of a process that starts asks for more than its life: it may wait for a migration of any length. None speaks
    // gRPC, which kubelet knows in plain text only.
    expect([startupProbe, readinessProbe, livenessProbe].map((probe) => probe?.httpGet)).toEqual([
      { path: "/healthz", port: "metrics" },
      { path: "/readyz", port: isGateway ? "http" : "metrics" },
      { path: "/healthz", port: "metrics" },
    ]);
  });

  test.each(roles)("%s is given what it does not start without", (role) => {
    const files: Readonly<Record<string, string>> = { provider: "provider-adapter" };
    const room = declaredEnv.find(({ file }) => file.includes(`${files[role] ?? role}/config.ts`));
    const required = Object.entries(room?.variables ?? {}).flatMap(([name, { required: is }]) => (is ? [name] : []));
    const { env = [], envFrom = [] } = containerOf(role);
    const given = env.map(({ name }) => name);
    if (envFrom.some(({ secretRef }) => secretRef?.name === "throughline-database")) given.push("DATABASE_URL");
    expect(required.filter((name) => !given.includes(name))).toEqual([]);
  });

  test.each(roles)("%s is given the secrets that it needs and no others", (role) => {
    const { env = [], envFrom = [] } = containerOf(role);
    const given = env.map(({ name }) => name).filter((name) => name in secretRoles);
    if (envFrom.some(({ secretRef }) => secretRef?.name === "throughline-database")) given.push("DATABASE_URL");
    // Addresses of proxies are settings of the overlay.
    const settings = ["HTTPS_PROXY", "HTTP_PROXY"];
    const due = Object.keys(secretRoles).filter((name) => !settings.includes(name));
    const own = role === "provider" ? "provider-adapter" : role;
    expect(given.toSorted()).toEqual(due.filter((name) => secretRoles[name]?.some((one) => one === own)).toSorted());
  });

  test("routing and the provider see the vendors' keys, and nobody else does", () => {
    const seeing = roles.filter((role) =>
      containerOf(role).envFrom?.some(({ secretRef }) => secretRef?.name === "throughline-upstreams"),
    );
    expect(seeing).toEqual(["routing", "provider"]);
  });

  test.each(roles)("%s has a Service, a PodDisruptionBudget and labels that agree", (role) => {
    const labels = named("Deployment", role).spec.template?.metadata.labels;
    expect(labels).toMatchObject({ [nameLabel]: role });
    const service = named("Service", role);
    expect(service.spec.selector).toEqual({ [nameLabel]: role });
    expect(service.spec.clusterIP).toBe(role === "gateway" ? undefined : "None");
    const names = containerOf(role).ports?.map(({ name }) => name);
    for (const { targetPort } of service.spec.ports ?? []) expect(names).toContain(targetPort);
    expect(named("PodDisruptionBudget", role).spec.selector?.matchLabels).toEqual({ [nameLabel]: role });
  });

  test("edge and provider scale by themselves", () => {
    const scaled = of("HorizontalPodAutoscaler").map(({ spec }) => spec.scaleTargetRef?.name);
    expect(scaled.sort()).toEqual(["gateway", "provider"]);
  });
});

test("network policies let through the calls that the processes make, and no others", () => {
  // Each role calls the services whose clients its run or main file opens; billing calls itself for `init`.
  const calls: Readonly<Record<string, readonly string[]>> = {
    gateway: clientsOf("gateway/run.ts"),
    billing: [...clientsOf("services/billing/run.ts"), "billing"],
    provider: clientsOf("services/provider-adapter/main.ts"),
    routing: [],
    history: [],
    jobs: clientsOf("services/jobs/main.ts"),
  };
  expect(calls.gateway?.toSorted()).toEqual(services.toSorted());
  for (const from of roles) {
    for (const to of services) {
      const asked = calls[from]?.includes(to) ?? false;
      const egress = (named("NetworkPolicy", from).spec.egress ?? []).some(
        (rule) => opens(rule, 50_051) && rule.to?.some(({ podSelector }) => selects(podSelector, to)),
      );
      const ingress = (named("NetworkPolicy", to).spec.ingress ?? []).some(
        (rule) => opens(rule, 50_051) && rule.from?.some(({ podSelector }) => selects(podSelector, from)),
      );
      expect({ from, to, egress, ingress }).toEqual({ from, to, egress: asked, ingress: asked });
    }
  }
  const reachesDatabase = roles.filter((role) =>
    named("NetworkPolicy", role).spec.egress?.some((rule) => opens(rule, 5_432)),
  );
  expect(reachesDatabase).toEqual(["routing", "billing", "history", "jobs"]);
});

test("no setting of an overlay is a secret", () => {
  for (const path of ["base", "overlays/production"]) {
    const text = readFileSync(join(folder, path, "kustomization.yaml"), "utf8");
    const { configMapGenerator } = parse(text) as { configMapGenerator: { literals?: string[] }[] };
    const names = configMapGenerator.flatMap(({ literals = [] }) => literals.map((one) => one.split("=")[0] ?? ""));
    expect([path, names.filter(mayBeFile)]).toEqual([path, []]);
  }
});

test("variables of the environment are declared in the code", () => {
  const known = new Set(declaredEnv.flatMap(({ variables }) => Object.keys(variables)));
  for (const path of ["base", "overlays/production"]) {
    const { configMapGenerator } = parse(readFileSync(join(folder, path, "kustomization.yaml"), "utf8")) as {
      configMapGenerator: { literals?: string[] }[];
    };
    const literals = configMapGenerator.flatMap((generator) => generator.literals ?? []);
    expect(literals.map((text) => text.split("=")[0] ?? "").filter((name) => !known.has(name))).toEqual([]);
    for (const text of literals.filter((literal) => /_TARGET=/.test(literal))) {
      expect(services).toContain(/=dns:\/\/\/(\w+):50051$/.exec(text)?.[1]);
    }
  }
  for (const role of roles) {
    const names = containerOf(role).env?.map(({ name }) => name) ?? [];
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  }
});

test.each(["base", "overlays/production"])("routing takes the configuration of %s", async (path) => {
  const text = readFileSync(join(folder, path, "throughline.yaml"), "utf8");
  const compiled = loadConfiguration({
    file: { path: "throughline.yaml", text },
    presets: await readPresets(),
    env: { OPENAI_API_KEY: "x" },
    simulatorUrl: undefined,
    prices: createPriceTable(() => Date.UTC(2026, 0)),
    nowMs: Date.UTC(2026, 0),
  });
  expect(compiled).toMatchObject({ ok: true });
});

test("each process is told where it runs, under the names that OpenTelemetry has for that", () => {
  const [patch] = documents(readFileSync(join(folder, "base/common-patch.yaml"), "utf8"));
  const env = patch?.spec.template?.spec.containers[0]?.env ?? [];
  const values = new Map<string, string>();
  for (const { name, value, valueFrom } of env) {
    // Kubernetes puts in only what stands before.
    const filled = value?.replaceAll(/\$\((\w+)\)/g, (text, other: string) => values.get(other) ?? text);
    values.set(name, filled ?? valueFrom?.fieldRef?.fieldPath ?? "");
  }
  const { resourceAttributes } = telemetryConfig({ OTEL_RESOURCE_ATTRIBUTES: values.get("OTEL_RESOURCE_ATTRIBUTES") });
  expect(resourceAttributes).toEqual({
    "service.instance.id": "metadata.namespace.metadata.name.throughline",
    "k8s.pod.name": "metadata.name",
    "k8s.pod.uid": "metadata.uid",
    "k8s.namespace.name": "metadata.namespace",
    "k8s.node.name": "spec.nodeName",
    "k8s.deployment.name": "metadata.labels['app.kubernetes.io/name']",
    "k8s.container.name": "throughline",
  });
});

// Without kubectl the parts are checked above; how they fit together needs kustomize itself.
test.runIf(hasKubectl)(
  "kustomize puts the production overlay together",
  async () => {
    expect(kustomized.stderr).toBe("");
    const rendered = documents(kustomized.stdout);
    expect(rendered.map(({ kind }) => kind).filter((kind) => kind === "Deployment")).toHaveLength(6);
    for (const manifest of rendered) expect(await schemaErrors(manifest)).toBe("");
    expect(typeErrors(rendered)).toEqual([]);
    for (const role of roles) {
      const container = containerOf(role, rendered);
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      // The patch that all share must not take away what a role's own file says.
      expect(container.envFrom).toHaveLength((containerOf(role).envFrom ?? []).length);
      expect(container.env).toEqual(expect.arrayContaining([...(containerOf(role).env ?? [])]));
      expect(container.env?.map(({ name }) => name)).toContain("OTEL_RESOURCE_ATTRIBUTES");
      const pod = named("Deployment", role, rendered).spec.template;
      expect(pod?.metadata.labels).toMatchObject({ "app.kubernetes.io/part-of": "throughline" });
      expect(pod?.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    }
    const migrate = named("Job", "throughline-migrate", rendered);
    expect(migrate.spec.template?.spec.containers[0]?.args).toEqual(["migrate"]);
  },
  60_000,
);

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** The roles whose targets a file opens clients of. */
function clientsOf(path: string): string[] {
  const code = readFileSync(join(root, path), "utf8");
  return [...code.matchAll(/"([A-Z]+)_TARGET"/g)].map((match) => (match[1] ?? "").toLowerCase());
}

function opens(rule: Peers, port: number): boolean {
  return rule.ports?.some((open) => open.port === port) ?? false;
}

function selects(selector: Selector | undefined, name: string): boolean {
  const byLabel = selector?.matchLabels?.[nameLabel] === name;
  return (
    byLabel ||
    (selector?.matchExpressions?.some(({ key, values }) => key === nameLabel && values.includes(name)) ?? false)
  );
}

/** What the schema of the object's kind has against it. */
async function schemaErrors(manifest: Manifest): Promise<string> {
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

/**
 * What TypeScript has against the objects as literals of their types. The schemas let unknown fields pass, as the API
 * server does unless told otherwise; a literal with a field too many does not compile.
 */
function typeErrors(manifests: readonly Manifest[]): string[] {
  const file = join(root, "test/repository/manifests.generated.ts");
  const lines = manifests.map(({ apiVersion, kind }, index) => {
    const literal = JSON.stringify(manifests[index]);
    return `const m${index}: import("kubernetes-models/${apiVersion}/${kind}").I${kind} = ${literal};\nvoid m${index};`;
  });
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === file ? ts.createSourceFile(path, lines.join("\n"), ts.ScriptTarget.ES2022) : getSourceFile(path, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}
