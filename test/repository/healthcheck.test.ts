import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type GrpcServerOptions, startGrpcServer } from "../../shared/rpc/grpc-server.ts";
import { createCertificates } from "../../shared/rpc/testing-certificates.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Exit code of the check (0 ready, 1 not, 2 wrong usage) and what it says. */
async function checkAndSay(address: string, env: Readonly<Record<string, string>>) {
  const args = [join(root, "deploy/healthcheck.mjs"), address];
  const child = spawn(join(root, "node_modules/.bin/node"), args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const [[code], said] = await Promise.all([once(child, "exit") as Promise<[number | null]>, text(child.stderr)]);
  return { code, said };
}

async function check(address: string): Promise<number | null> {
  return (await checkAndSay(address, {})).code;
}

async function serveGrpc(tls?: GrpcServerOptions["tls"]) {
  const server = await startGrpcServer([], { host: "127.0.0.1", port: 0, tls });
  onTestFinished(() => server.close(0));
  return { server, address: `grpc://127.0.0.1:${server.port}` };
}

async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`;
}

test("a service is ready while it serves", async () => {
  const { server, address } = await serveGrpc();
  expect(await check(address)).toBe(0);
  server.setServing(false);
  expect(await check(address)).toBe(1);
  await server.close(0);
  expect(await check(address)).toBe(1);
});

test("over TLS with the process's own certificate, where it has one, and says why it fails", async () => {
  const certificates = createCertificates();
  onTestFinished(() => certificates.remove());
  const ca = certificates.authority("ca");
  certificates.authority("foreign-ca");
  const own = certificates.issue("own", { by: "ca", names: "DNS:billing" });
  const ended = certificates.issue("ended", { by: "ca", names: "DNS:billing", days: -1 });
  const foreign = certificates.issue("foreign", { by: "foreign-ca", names: "DNS:billing" });
  const env = (pair: typeof own | undefined, authority?: string) => ({
    ...(pair === undefined ? {} : { GRPC_TLS_CERT_FILE: pair.certificateFile, GRPC_TLS_KEY_FILE: pair.privateKeyFile }),
    ...(authority === undefined ? {} : { GRPC_TLS_CA_FILE: authority }),
  });
  const serve = async (tls?: GrpcServerOptions["tls"]) => (await serveGrpc(tls)).address;
  const mutual = await serve({ ...own, clientAuthoritiesFile: ca });
  const oneSided = await serve(own);
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp | undefined])[] = [
    [mutual, env(own, ca), undefined],
    [oneSided, env(undefined, ca), undefined],
    [mutual, env(own), /an authority that is not in GRPC_TLS_CA_FILE/],
    [mutual, env(undefined, ca), /wants a certificate, and GRPC_TLS_CERT_FILE is not set \(ERR_SSL/],
    [mutual, env(foreign, ca), /closed the connection/],
    [mutual, {}, /where it speaks TLS, set GRPC_TLS_CA_FILE/],
    [await serve(), env(own, ca), /it speaks plain text, and this check TLS/],
    [await serve(ended), env(own, ca), /its certificate has ended \(CERT_HAS_EXPIRED\)/],
    [await serve(foreign), env(own, ca), /an authority that is not in GRPC_TLS_CA_FILE/],
    [mutual, env(own, certificates.file("nothing.pem")), /GRPC_TLS_CA_FILE cannot be read \(ENOENT\)/],
    [mutual, { ...env(own, ca), GRPC_TLS_KEY_FILE: foreign.privateKeyFile }, /is not the key of GRPC_TLS_CERT_FILE/],
  ];
  const outcomes = await Promise.all(cases.map(([address, given]) => checkAndSay(address, given)));
  for (const [i, [, , reason]] of cases.entries()) {
    const said = reason === undefined ? "" : expect.stringMatching(new RegExp(`^not ready: .*${reason.source}`));
    expect([i, outcomes[i]]).toEqual([i, { code: reason === undefined ? 0 : 1, said }]);
  }
}, 20_000);

test("the gateway is ready when it says so, in time", async () => {
  let status = 200;
  const address = await serveHttp((_request, response) => {
    if (status !== 0) response.writeHead(status).end();
  });
  expect(await check(address)).toBe(0);
  status = 503;
  expect(await check(address)).toBe(1);
  status = 0;
  expect(await check(address)).toBe(1);
});

test("without an address it asks the role of its container", async () => {
  const folder = await mkdtemp(join(tmpdir(), "throughline-health-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const first = join(folder, "cmdline");
  const asked = async (words: string, env: Record<string, string>) => {
    await writeFile(first, words.split(" ").join("\0"));
    const args = [join(root, "deploy/healthcheck.mjs")];
    const own = { ...env, THROUGHLINE_FIRST_PROCESS: first };
    const child = spawn(join(root, "node_modules/.bin/node"), args, { env: own, stdio: "ignore" });
    return ((await once(child, "exit")) as [number | null])[0];
  };
  const { server } = await serveGrpc();
  const paths: string[] = [];
  const http = await serveHttp((request, response) => {
    paths.push(request.url ?? "");
    response.end();
  });
  const ports = { GRPC_PORT: String(server.port), PORT: new URL(http).port };
  const services = ["routing", "billing", "provider", "history", "jobs"];
  for (const role of services) expect([role, await asked(`node cli/main.ts ${role}`, ports)]).toEqual([role, 0]);
  expect(paths).toEqual([]);
  // Behind an init too.
  expect(await asked("/sbin/docker-init -- node cli/main.ts gateway", ports)).toBe(0);
  expect(await asked("node /app/cli/main.ts simulator", ports)).toBe(0);
  expect(paths).toEqual(["/readyz", "/sim/models"]);
  server.setServing(false);
  expect(await asked("node cli/main.ts billing", ports)).toBe(1);
  for (const none of ["node cli/main.ts migrate", "bash", ""]) expect(await asked(none, ports)).toBe(2);
}, 20_000);

test("anything else is wrong usage", async () => {
  expect(await check("billing:50051")).toBe(2);
});
