import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { testPostgres } from "../../shared/db/testing.ts";
import { freePorts } from "../../shared/free-ports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = join(root, "node_modules/.bin/node");

interface Service {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
}

/** What .env holds, as the README makes it. */
const dotEnv: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: "unused: the test has a database of its own",
  KEY_PEPPER: "pepper-of-the-compose-test",
  CREDENTIAL_KEY: Buffer.alloc(32, 7).toString("base64"),
  GRPC_SECRET: "a-secret-of-the-compose-test-only",
  THROUGHLINE_BOOTSTRAP_KEY: "tl-compose-0123456789abcdef",
  LOG_LEVEL: "warn",
};

/**
 * There is no container engine where the tests run. What a container is given, its command, its environment and its
 * health check, is run as plain processes of this machine instead: hosts become ports of 127.0.0.1.
 */
test("the processes of docker-compose.yml become healthy and answer a request", async () => {
  const { services } = parse(await readFile(join(root, "docker-compose.yml"), "utf8"), { merge: true }) as {
    services: Record<string, Service>;
  };
  const postgres = await testPostgres();
  onTestFinished(() => postgres.stop());
  const folder = await mkdtemp(join(tmpdir(), "throughline-compose-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));

  const names = ["simulator", "routing", "history", "billing", "provider", "jobs", "gateway"];
  const ports = await freePorts(names.length * 2);
  const portOf = (name: string) => ports[names.indexOf(name)] ?? 0;
  const metricsPortOf = (name: string) => ports[names.length + names.indexOf(name)] ?? 0;
  const environmentOf = (name: string): Record<string, string> => {
    const given = Object.entries(services[name]?.environment ?? {}).map(([key, value]) => {
      const local = substitute(value)
        .replace(/^dns:\/\/\/(\w+):50051$/, (_, host: string) => `dns:///127.0.0.1:${portOf(host)}`)
        .replace("//simulator:8081", `//127.0.0.1:${portOf("simulator")}`);
      return [key, local] as const;
    });
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _collector, VALKEY_URL: _valkey, ...environment } = Object.fromEntries(given);
    return {
      ...environment,
      ...("DATABASE_URL" in environment ? { DATABASE_URL: postgres.url } : {}),
      METRICS_PORT: String(metricsPortOf(name)),
      HOST: "127.0.0.1",
      PORT: String(portOf(name)),
      GRPC_HOST: "127.0.0.1",
      GRPC_PORT: String(portOf(name)),
    };
  };
  const start = (name: string): ChildProcess => {
    const { entrypoint = ["node", "cli/main.ts"], command = [] } = services[name] ?? {};
    const child = spawn(node, [...entrypoint.slice(1, -1), join(root, entrypoint.at(-1) ?? ""), ...command], {
      cwd: folder,
      env: environmentOf(name),
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    });
    return child;
  };
  const healthy = async (name: string): Promise<void> => {
    // The image's own check is the gateway's.
    const check = services[name]?.healthcheck?.test ?? ["CMD", "node", "deploy/healthcheck.mjs", gatewayCheck];
    expect(check.slice(0, 3)).toEqual(["CMD", "node", "deploy/healthcheck.mjs"]);
    const address = (check[3] ?? "").replace(/:\d+/, `:${portOf(name)}`);
    await expect.poll(() => exitCode([join(root, "deploy/healthcheck.mjs"), address]), { timeout: 20_000 }).toBe(0);
  };

  // The image's own check finds by itself that it is the gateway's.
  const gatewayCheck = "http://127.0.0.1:8080/readyz";
  expect(await readFile(join(root, "deploy/Dockerfile"), "utf8")).toContain('CMD ["node", "deploy/healthcheck.mjs"]');
  expect(await exitCode([join(root, "deploy/healthcheck.mjs"), `grpc://127.0.0.1:${portOf("billing")}`])).toBe(1);
  for (const name of names) start(name);
  for (const name of names) await healthy(name);

  const init = start("init");
  const said = (init.stdout as NodeJS.ReadableStream).setEncoding("utf8");
  let shown = "";
  said.on("data", (text: string) => {
    shown += text;
  });
  expect((await once(init, "close"))[0]).toBe(0);
  expect(shown).toContain("that of THROUGHLINE_BOOTSTRAP_KEY");
  expect(shown).not.toContain(dotEnv.THROUGHLINE_BOOTSTRAP_KEY);

  const response = await fetch(`http://127.0.0.1:${portOf("gateway")}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${dotEnv.THROUGHLINE_BOOTSTRAP_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-oneapi-request-id")).toMatch(/^\d{18}$/);

  // This is what `helm test` runs, with a trace store that has every trace.
  const traces = createServer((asked, answer) => answer.end(asked.url)).listen(0, "127.0.0.1");
  onTestFinished(() => void traces.close());
  await once(traces, "listening");
  const helmTest = spawn(node, [join(root, "deploy/helm/throughline/files/request.mjs")], {
    env: {
      GATEWAY_URL: `http://127.0.0.1:${portOf("gateway")}`,
      API_KEY: dotEnv.THROUGHLINE_BOOTSTRAP_KEY,
      MODEL: "gpt-4o-mini",
      TRACE_QUERY_URL: `http://127.0.0.1:${(traces.address() as AddressInfo).port}/api/traces/{trace_id}`,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [told, [helmCode]] = await Promise.all([
    text(helmTest.stdout as NodeJS.ReadableStream),
    once(helmTest, "close"),
  ]);
  expect(told).toMatch(
    /^the gateway is ready\nrequest \d{18} was answered\nits record says succeeded\ntrace [\da-f]{32} is found\n$/,
  );
  expect(helmCode).toBe(0);

  for (const name of ["routing", "history", "billing", "provider", "jobs", "gateway"]) {
    for (const path of ["/metrics", "/healthz", "/readyz"]) {
      const { status } = await fetch(`http://127.0.0.1:${metricsPortOf(name)}${path}`);
      expect([name, path, status]).toEqual([name, path, 200]);
    }
  }
}, 60_000);

/** `${NAME:-default}`, `${NAME:+what stands for it}` and `${NAME:?what is missing}` as Compose reads them. */
function substitute(text: unknown): string {
  return String(text).replace(/\$\{(\w+)(?::([-?+])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) => {
    const value = dotEnv[name];
    if (kind === "+") return value === undefined ? "" : rest;
    if (value !== undefined) return value;
    if (kind === "?") throw new Error(`.env must have ${name}: ${rest}`);
    return rest;
  });
}

async function exitCode(args: readonly string[]): Promise<number | null> {
  const child = spawn(node, args, { stdio: "ignore", env: {} });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
