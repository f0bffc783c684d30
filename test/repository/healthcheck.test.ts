import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type GrpcServerOptions, startGrpcServer } from "../../shared/rpc/grpc-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Exit code of the check: 0 ready, 1 not, 2 wrong usage. */
async function check(address: string, env: Readonly<Record<string, string>> = {}): Promise<number | null> {
  const args = [join(root, "deploy/healthcheck.mjs"), address];
  const child = spawn(join(root, "node_modules/.bin/node"), args, { env, stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
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

test("over TLS with the process's own certificate, where it has one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-health-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority");
  writeFileSync(file("names"), "subjectAltName=DNS:billing\n");
  openssl("req", ...key, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=billing");
  const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
  openssl("x509", "-req", "-in", "own.csr", "-out", "own.pem", ...signer);

  const { address } = await serveGrpc({
    certificateFile: file("own.pem"),
    privateKeyFile: file("own.key"),
    clientAuthoritiesFile: file("ca.pem"),
  });
  const own = { GRPC_TLS_CERT_FILE: file("own.pem"), GRPC_TLS_KEY_FILE: file("own.key") };
  expect(await check(address, { ...own, GRPC_TLS_CA_FILE: file("ca.pem") })).toBe(0);
  expect(await check(address, own)).toBe(1);
  expect(await check(address)).toBe(1);
});

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

test("anything else is wrong usage", async () => {
  expect(await check("billing:50051")).toBe(2);
});
