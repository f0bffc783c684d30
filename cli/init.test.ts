import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startGrpcServer } from "../shared/rpc/grpc-server.ts";
import { createCertificates } from "../shared/rpc/testing-certificates.ts";

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
  const certificates = createCertificates();
  onTestFinished(() => certificates.remove());
  const ca = certificates.authority("ca");
  const { certificateFile, privateKeyFile } = certificates.issue("own", { by: "ca", names: "DNS:localhost" });
  const server = await startGrpcServer([], { host: "127.0.0.1", port: 0, tls: { certificateFile, privateKeyFile } });
  onTestFinished(() => server.close(0));
  const env = { BILLING_TARGET: `dns:///localhost:${server.port}` };

  // The server has no such method: that it says so shows that it was reached.
  const reached = await run("init", { ...env, GRPC_TLS_CA_FILE: ca });
  expect(reached.err).not.toContain("could not be reached");
  const plain = await run("init", env);
  expect(plain.code).toBe(1);
  expect(plain.err).toMatch(
    /^throughline init: billing at .* \(BILLING_TARGET\): A part of the platform could not be reached. .*TLS/,
  );
});

test("certificates that cannot be used are told in one line at the start, not passed over for plain text", async () => {
  const certificates = createCertificates();
  onTestFinished(() => certificates.remove());
  const ca = certificates.authority("ca");
  const { certificateFile, privateKeyFile } = certificates.issue("own", { by: "ca", names: "DNS:billing" });
  const junk = certificates.file("junk.pem");
  writeFileSync(junk, "junk");
  const own = { GRPC_TLS_CERT_FILE: certificateFile, GRPC_TLS_KEY_FILE: privateKeyFile, GRPC_TLS_CA_FILE: ca };
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ GRPC_TLS_CERT_FILE: "/any" }, "GRPC_TLS_KEY_FILE must be set: a certificate and its private key go together"],
    [{ ...own, GRPC_TLS_CA_FILE: "" }, "GRPC_TLS_CA_FILE is set but empty: name a file, or take the variable out"],
    [{ ...own, GRPC_TLS_CA_FILE: junk }, `GRPC_TLS_CA_FILE: ${junk} has no certificate in PEM`],
    [{ ...own, GRPC_TLS_CA_FILE: "/nothing" }, "GRPC_TLS_CA_FILE: /nothing cannot be read (ENOENT)"],
  ];
  const outcomes = await Promise.all(cases.map(([env]) => run("billing", env)));
  expect(outcomes).toEqual(cases.map(([, line]) => ({ code: 2, err: `billing: ${line}\n` })));
}, 30_000);

test.each([
  ["OTEL_BSP_SCHEDULE_DELAY", "60d", "must be at most"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", "must be an absolute URL"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "%%", "must be pairs"],
])("a wrong %s is told in one line at the start, as every other variable is", async (name, value, why) => {
  const { code, err } = await run("simulator", { PORT: "0", [name]: value });
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(`^simulator: ${name} ${why}[^\n]*\n$`) });
});

test.each([
  ["/nowhere/at-all", "cannot be written to (ENOENT)"],
  [fileURLToPath(import.meta.url), "is no directory"],
])("a SPOOL_DIR that takes no file is told in one line at the start: %s", async (directory, why) => {
  const { code, err } = await run("up", { PORT: "0", SPOOL_DIR: directory });
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^throughline: SPOOL_DIR: [^\n]*\n$/) });
  expect(err).toContain(`${directory} ${why}`);
});

test("no role starts where anybody could call it, or it anybody", async () => {
  const refused = { code: 2, err: expect.stringMatching(/^[a-z-]+: GRPC_SECRET must be set, .*\n$/) };
  const roles = ["gateway", "routing", "billing", "provider", "history"];
  const outcomes = await Promise.all(roles.map((role) => run(role, {})));
  expect(outcomes).toEqual(roles.map(() => refused));
  const weak = { code: 2, err: expect.stringMatching(/^billing: GRPC_SECRET must have at least 128 bits: .*\n$/) };
  expect(await Promise.all([run("billing", { GRPC_SECRET: "" }), run("billing", { GRPC_SECRET: "guessed" })])).toEqual([
    refused,
    weak,
  ]);
}, 30_000);
