import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startGrpcServer } from "../shared/rpc/grpc-server.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a command says on standard error, and its exit code. */
async function run(command: string, env: Readonly<Record<string, string>>) {
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), command], { env });
  let err = "";
  child.stderr.on("data", (data: Buffer) => {
    err += data.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, err };
}

test("init speaks TLS where the processes do, and names the address that it could not reach", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-init-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const certificateFile = join(folder, "own.pem");
  const privateKeyFile = join(folder, "own.key");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", privateKeyFile];
  const names = ["-subj", "/CN=billing", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", certificateFile, "-days", "2", ...names], {
    stdio: "ignore",
  });
  const server = await startGrpcServer([], { host: "127.0.0.1", port: 0, tls: { certificateFile, privateKeyFile } });
  onTestFinished(() => server.close(0));
  const env = { BILLING_TARGET: `dns:///localhost:${server.port}` };

  // The server has no such method: that it says so shows that it was reached.
  const reached = await run("init", { ...env, GRPC_TLS_CA_FILE: certificateFile });
  expect(reached.err).not.toContain("could not be reached");
  const plain = await run("init", env);
  expect([plain.code, plain.err]).toEqual([
    1,
    `throughline init: billing at ${env.BILLING_TARGET} (BILLING_TARGET): A part of the platform could not be reached.\n`,
  ]);
});

test("a certificate without its private key is refused, not passed over for plain text", async () => {
  expect(await run("billing", { GRPC_TLS_CERT_FILE: "/any" })).toEqual({
    code: 2,
    err: "GRPC_TLS_KEY_FILE must be set: a certificate and its private key go together\n",
  });
});

test("no role starts where anybody could call it, or it anybody", async () => {
  const refused = { code: 2, err: expect.stringMatching(/^GRPC_SECRET must be set, .*\n$/) };
  const roles = ["gateway", "routing", "billing", "provider", "history"];
  const outcomes = await Promise.all(roles.map((role) => run(role, {})));
  expect(outcomes).toEqual(roles.map(() => refused));
  const weak = { code: 2, err: expect.stringMatching(/^GRPC_SECRET must have at least 128 bits: .*\n$/) };
  expect(await Promise.all([run("billing", { GRPC_SECRET: "" }), run("billing", { GRPC_SECRET: "guessed" })])).toEqual([
    refused,
    weak,
  ]);
}, 30_000);
