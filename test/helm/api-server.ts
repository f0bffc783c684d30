// Installs, upgrades, rolls back and removes the chart and the manifests of Kustomize at a real kube-apiserver with a real etcd.
// By hand, for kube-apiserver has to be built first (`go build ./cmd/kube-apiserver` in the module k8s.io/kubernetes):
//
//   node test/helm/api-server.ts          needs helm, kubectl, go and openssl on the path, and etcd and kube-apiserver there or
//                                         named by ETCD and KUBE_APISERVER
//
// There are no nodes and no controllers: pods do not run, and what a hook makes ends well at once. Namespaces hold the Pod
// Security Standard `restricted`, and Helm runs as a user who may work in them alone. Whatever the server refuses or warns of
// is a failure. Exit code 1: there was one.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { parseAllDocuments } from "yaml";
import { tell } from "../../shared/log-output.ts";
import { type Ended, startCluster, type User } from "./cluster.ts";
import { finishHooks } from "./finisher.ts";
import { readDefinitions } from "./operators.ts";

const chart = fileURLToPath(new URL("../../deploy/helm/throughline", import.meta.url));
const overlay = fileURLToPath(new URL("../../deploy/kubernetes/overlays/production", import.meta.url));
const valueFiles = readdirSync(join(chart, "ci"));
const release = "throughline";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly containers?: unknown;
        readonly serviceAccountName?: string;
        readonly volumes?: readonly unknown[];
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

let wrong = 0;
process.exitCode = 1;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
await using cluster = await startCluster(process.env);
tell(
  `kube-apiserver ${cluster.version}, ${execFileSync("etcd", ["--version"], { encoding: "utf8" }).split("\n")[0]}\n`,
);
const stop = new AbortController();
await prepare();
const finishing = finishHooks(cluster, stop.signal).catch((error: unknown) => fail(`hooks: ${inspect(error)}`));
for (const [index, file] of valueFiles.entries()) {
  await life(file, valueFiles[(index + 1) % valueFiles.length] ?? "");
}
await twoReleases();
await keptKeys();
await kustomize();
stop.abort();
await finishing;
tell(wrong === 0 ? "nothing was refused, nothing was warned of\n" : `${wrong} failures\n`);
process.exitCode = wrong === 0 ? 0 : 1;

/** The custom resources of the operators, who may make them, and the priority class that a file of values names. */
async function prepare(): Promise<void> {
  await must("admin", "kubectl", ["apply", "--server-side", "-f", "-"], list(readDefinitions()));
  await must("admin", "kubectl", ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
  const operators = {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" },
    metadata: { name: "operators" },
    rules: [
      {
        apiGroups: ["cert-manager.io", "external-secrets.io", "gateway.networking.k8s.io", "monitoring.coreos.com"],
        resources: ["*"],
        verbs: ["*"],
      },
    ],
  };
  const high = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "high" }, value: 1_000 };
  await must("admin", "kubectl", ["apply", "-f", "-"], list([operators, high]));
}

/** A namespace as a careful platform team has it: `platform` may do in it what its administrator may, and no more. */
async function namespace(name: string): Promise<void> {
  const enforced = ["enforce", "warn", "audit"].map((mode) => [`pod-security.kubernetes.io/${mode}`, "restricted"]);
  const labels = Object.fromEntries(enforced) as Record<string, string>;
  const binding = (role: string) => ({
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
    metadata: { name: role, namespace: name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "platform" }],
  });
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
    // A controller makes it elsewhere.
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: name } },
    ...["system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view", "operators"].map(binding),
  ];
  await must("admin", "kubectl", ["apply", "-f", "-"], list(objects));
}

/** A file of values from the first dry run to the end of its release, with an upgrade to another and back. */
async function life(file: string, other: string): Promise<void> {
  const name = file.replace("-values.yaml", "");
  await namespace(name);
  const of = (values: string): string[] => [chart, "-n", name, "-f", join(chart, "ci", values)];
  const version = ["--kube-version", cluster.version];
  const rendered = (await must("platform", "helm", ["template", release, ...of(file), "--is-upgrade", ...version]))
    .stdout;
  const dry = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", name, "-f", "-"];
  await check(`${name}: all objects, dry run`, "kubectl", dry, rendered);
  await check(`${name}: a pod of each template, dry run`, "kubectl", dry, podsOf(rendered));
  await check(`${name}: install, dry run`, "helm", ["install", release, ...of(file), "--dry-run=server"]);
  await check(`${name}: install`, "helm", ["install", release, ...of(file)]);
  const installed = await holds(`${name}: what was installed`, name);
  await check(`${name}: helm test`, "helm", ["test", release, "-n", name]);
  await check(`${name}: upgrade to nothing new`, "helm", ["upgrade", release, ...of(file), "--timeout=20s"]);
  await holds(`${name}: what stays`, name);
  await check(`${name}: upgrade to ${other}`, "helm", ["upgrade", release, ...of(other), "--timeout=20s"]);
  await holds(`${name}: what was upgraded`, name);
  await check(`${name}: roll back`, "helm", ["rollback", release, "1", "-n", name]);
  const back = await holds(`${name}: what was rolled back`, name);
  if (back.join() !== installed.join())
    fail(`${name}: rolled back to ${back.join(" ")}, not to ${installed.join(" ")}`);
  await check(`${name}: uninstall`, "helm", ["uninstall", release, "-n", name]);
  const left = (await objectsOf(name)).filter((one) => !one.startsWith("persistentvolumeclaim/"));
  if (left.length > 0) fail(`${name}: left behind: ${left.join(" ")}`);
}

/** Two releases in one namespace: what belongs to one is not touched by the end of the other. */
async function twoReleases(): Promise<void> {
  await namespace("two");
  const of = (name: string): string[] => [name, chart, "-n", "two", "-f", join(chart, "ci", "mtls-values.yaml")];
  await check("two releases: first", "helm", ["install", ...of("blue")]);
  await check("two releases: second", "helm", ["install", ...of("green")]);
  await check("two releases: end of the first", "helm", ["uninstall", "blue", "-n", "two"]);
  await holds("two releases: the second", "two", "green");
}

/** Keys that the chart makes are the same after an upgrade, and after the release was removed and installed again. */
async function keptKeys(): Promise<void> {
  await namespace("keys");
  const of = [release, chart, "-n", "keys", "-f", join(chart, "ci", "trial-values.yaml")];
  const keys = async (): Promise<string> =>
    (await must("platform", "kubectl", ["get", "secret", `${release}-keys`, "-n", "keys", "-o", "jsonpath={.data}"]))
      .stdout;
  await check("keys: install", "helm", ["install", ...of]);
  const first = await keys();
  await check("keys: upgrade", "helm", ["upgrade", ...of]);
  if ((await keys()) !== first) fail("keys: an upgrade changed them");
  await check("keys: uninstall", "helm", ["uninstall", release, "-n", "keys"]);
  await check("keys: install again", "helm", ["install", ...of]);
  if ((await keys()) !== first) fail("keys: a second install changed them");
}

/** The manifests of Kustomize as docs/operations.md applies them, twice, as an upgrade does. */
async function kustomize(): Promise<void> {
  const apply = ["apply", "-k", overlay];
  await check("kustomize: the namespace", "kubectl", ["apply", "-f", join(overlay, "namespace.yaml")], "", "admin");
  await must("admin", "kubectl", ["create", "serviceaccount", "default", "-n", "throughline"]);
  await check("kustomize: all objects, dry run", "kubectl", [...apply, "--dry-run=server"], "", "admin");
  await check("kustomize: apply", "kubectl", apply, "", "admin");
  await check("kustomize: apply again", "kubectl", apply, "", "admin");
  const rendered = (await must("admin", "kubectl", ["kustomize", overlay])).stdout;
  const dry = ["apply", "--server-side", "--dry-run=server", "-n", "throughline", "-f", "-"];
  await check("kustomize: a pod of each template, dry run", "kubectl", dry, podsOf(rendered), "admin");
  await check("kustomize: nothing differs", "kubectl", ["diff", "-k", overlay], "", "admin");
  await check("kustomize: delete", "kubectl", ["delete", "-k", overlay, "--wait=false"], "", "admin");
}

/** A Pod of each template, which the cluster's admission then looks at. */
function podsOf(rendered: string): string {
  const pods = parseAllDocuments(rendered).flatMap((document) => {
    const { kind, metadata, spec } = (document.toJS() ?? {}) as Manifest;
    if (spec?.template?.spec.containers === undefined) return [];
    // The service account is not there while nothing is installed.
    const { serviceAccountName: _, ...own } = spec.template.spec;
    const claimed = (spec.volumeClaimTemplates ?? []).map((claim) => ({ name: claim.metadata.name, emptyDir: {} }));
    const volumes = [...(own.volumes ?? []), ...claimed];
    const restartPolicy = kind === "Job" ? "OnFailure" : "Always";
    const name = `${kind}-${metadata.name}`.toLowerCase();
    return [{ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { restartPolicy, ...own, volumes } }];
  });
  return list(pods);
}

/** Objects as what kubectl reads. */
function list(items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/** Whether all that a release says is there as it says; gives the objects that bear its label. */
async function holds(what: string, inNamespace: string, name = release): Promise<string[]> {
  const { stdout } = await must("platform", "helm", ["get", "manifest", name, "-n", inNamespace]);
  await check(`${what} is there`, "kubectl", ["diff", "-n", inNamespace, "-f", "-"], stdout);
  const said = parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
  const there = await objectsOf(inNamespace, name);
  const names = new Set(there.map((one) => one.split("/")[1]));
  for (const { kind, metadata } of said) {
    if (!names.has(metadata.name)) fail(`${what}: ${kind} ${metadata.name} is not there`);
  }
  return there;
}

/** All objects of a release, as `kind/name`, those of its hooks not. */
async function objectsOf(inNamespace: string, name = release): Promise<string[]> {
  const kinds = await must("admin", "kubectl", ["api-resources", "--namespaced", "--verbs=list", "-o", "name"]);
  const wanted = kinds.stdout.split("\n").filter((kind) => kind !== "" && !/^(events|metrics)/.test(kind));
  const label = `app.kubernetes.io/instance=${name}`;
  const args = ["get", wanted.join(","), "-n", inNamespace, "-l", label, "-o", "name", "--ignore-not-found"];
  const { stdout } = await must("admin", "kubectl", args);
  return stdout
    .split("\n")
    .filter((one) => one !== "" && !/^(pod\/|job.batch\/|configmap\/\S+-test$|secret\/\S+-keys$)/.test(one));
}

/** Runs a command and counts it as a failure when it fails or tells a warning. */
async function check(
  what: string,
  command: string,
  args: readonly string[],
  input = "",
  user: User = "platform",
): Promise<void> {
  const { status, stdout, stderr } = await cluster.run(user, command, args, input);
  const told = stderr.split("\n").filter((line) => /warn/i.test(line));
  if (status === 0 && told.length === 0) return void tell(`${what}: good\n`);
  fail(
    `${what}: exit code ${status}\n${stderr.trim().slice(0, 4_000)}\n${status === 0 ? "" : stdout.trim().slice(-2_000)}`,
  );
}

/** Runs a command that this script itself needs. */
async function must(user: User, command: string, args: readonly string[], input = ""): Promise<Ended> {
  const ended = await cluster.run(user, command, args, input);
  if (ended.status === 0) return ended;
  throw new Error(`${command} ${args.slice(0, 6).join(" ")}: exit code ${ended.status}\n${ended.stderr}`);
}

function fail(text: string): void {
  wrong += 1;
  tell(`FAILED ${text}\n`);
}
