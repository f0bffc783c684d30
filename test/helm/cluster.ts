import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, fetch } from "undici";
import { freePorts } from "../../shared/free-ports.ts";

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The control plane of a cluster without nodes: etcd and kube-apiserver, with RBAC. */
export interface Cluster extends AsyncDisposable {
  /** What kube-apiserver says of itself: v1.34.3. */
  readonly version: string;
  /** Runs a command against it, as one of the users. */
  run(user: User, command: string, args: readonly string[], input?: string): Promise<Ended>;
  /** Asks the API as its administrator; `path` begins with a slash. */
  ask(path: string, options?: { readonly method: "PATCH"; readonly body: unknown }): Promise<Body>;
}

/** The body of an answer, which can be read as it comes. */
export type Body = AsyncIterable<Uint8Array>;
/** `admin` may do everything; what `platform` may do is given by RBAC alone. */
export type User = "admin" | "platform";

const tokens = { admin: "token-of-admin", platform: "token-of-platform" } as const;

/** Starts one on free ports of 127.0.0.1. The programs come from the path, or from ETCD and KUBE_APISERVER. */
export async function startCluster({ ETCD = "etcd", KUBE_APISERVER = "kube-apiserver" }): Promise<Cluster> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "throughline-cluster-"));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [client, peer, secure] = (await freePorts(3)) as [number, number, number];
  const at = (name: string): string => join(folder, name);
  const etcdUrl = `http://127.0.0.1:${client}`;
  undo.defer(
    start(at("etcd.log"), ETCD, {
      "data-dir": at("etcd"),
      "listen-client-urls": etcdUrl,
      "advertise-client-urls": etcdUrl,
      "listen-peer-urls": `http://127.0.0.1:${peer}`,
    }),
  );
  execFileSync("openssl", ["genrsa", "-out", at("accounts.key"), "2048"], { stdio: "ignore" });
  const users = Object.entries(tokens).map(
    ([name, token]) => `${token},${name},${name}${name === "admin" ? ",system:masters" : ""}`,
  );
  writeFileSync(at("tokens.csv"), `${users.join("\n")}\n`);
  undo.defer(
    start(at("apiserver.log"), KUBE_APISERVER, {
      "etcd-servers": etcdUrl,
      "bind-address": "127.0.0.1",
      "secure-port": String(secure),
      "cert-dir": at("certificates"),
      "authorization-mode": "RBAC",
      "token-auth-file": at("tokens.csv"),
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": at("accounts.key"),
      "service-account-signing-key-file": at("accounts.key"),
      "service-cluster-ip-range": "10.96.0.0/16",
    }),
  );
  const url = `https://127.0.0.1:${secure}`;
  const dispatcher = await whenReady(url, at("certificates/apiserver.crt"), () =>
    readFileSync(at("apiserver.log"), "utf8"),
  );
  undo.defer(() => dispatcher.destroy());
  for (const user of ["admin", "platform"] as const) {
    const kubeconfig = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "it" },
      clusters: [{ name: "it", cluster: { server: url, "certificate-authority": at("certificates/apiserver.crt") } }],
      users: [{ name: user, user: { token: tokens[user] } }],
      contexts: [{ name: "it", context: { cluster: "it", user } }],
    };
    writeFileSync(at(user), JSON.stringify(kubeconfig), { mode: 0o600 });
  }
  const ask: Cluster["ask"] = async (path, options) => {
    const authorization = `Bearer ${tokens.admin}`;
    const patch = { "content-type": "application/merge-patch+json" };
    const sent =
      options === undefined
        ? { headers: { authorization } }
        : { method: options.method, headers: { authorization, ...patch }, body: JSON.stringify(options.body) };
    const response = await fetch(`${url}${path}`, { dispatcher, ...sent });
    if (!response.ok || response.body === null) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.body;
  };
  const { gitVersion } = JSON.parse(await textOf(await ask("/version"))) as { gitVersion: string };
  const owned = undo.move();
  return {
    version: gitVersion,
    ask,
    async run(user, command, args, input) {
      const environment = { ...process.env, KUBECONFIG: at(user), HELM_CACHE_HOME: at("helm"), HOME: folder };
      const child = spawn(command, args, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
      // A command that ends without reading it says why by itself.
      child.stdin.on("error", () => undefined).end(input ?? "");
      const [stdout, stderr, [status]] = await Promise.all([
        textOf(child.stdout),
        textOf(child.stderr),
        once(child, "close") as Promise<[number | null]>,
      ]);
      return { status, stdout, stderr };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A body as text. */
export async function textOf(body: Body): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** Starts a program with its output in a file; the function that it gives ends it. */
function start(logFile: string, program: string, flags: Readonly<Record<string, string>>): () => Promise<void> {
  if (spawnSync(program, ["--version"]).error !== undefined) throw new Error(`${program} is not on the path`);
  const log = openSync(logFile, "w");
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", log, log] });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  return async () => {
    process.off("exit", kill);
    if (child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    await exit;
  };
}

/** Waits until the API is ready, which makes its certificate itself. */
async function whenReady(url: string, certificate: string, log: () => string): Promise<Dispatcher> {
  const untilMs = performance.now() + 60_000;
  for (;;) {
    try {
      const dispatcher = new Agent({ allowH2: false, connect: { ca: readFileSync(certificate) } });
      const headers = { authorization: `Bearer ${tokens.admin}` };
      if ((await fetch(`${url}/readyz`, { dispatcher, headers })).ok) return dispatcher;
      await dispatcher.close();
    } catch {
      // It has not come so far.
    }
    if (performance.now() > untilMs) throw new Error(`kube-apiserver is not ready:\n${log().slice(-2_000)}`);
    await sleep(200);
  }
}
