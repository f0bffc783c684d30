// Rolls each of the six Deployments under load and says what clients saw. By hand, for it takes minutes:
//
//   node test/rollout/main.ts                       60 requests a second, 40 streams of 60 s at a time
//   STREAM_S=300 STREAMS=40 node test/rollout/main.ts      streams of five minutes
//   CERTIFICATES=1 node test/rollout/main.ts        replaces all certificates and their authority first
//
// It takes 70 ports from FIRST_PORT (21700) on.
// Processes stand for pods: each has an address of its own, a name server tells them as a headless Service does, and a
// balancer takes clients to gateways. A rollout is Kubernetes': the new pod is ready before the old one is taken from the
// addresses, which has five seconds before SIGTERM. Exit code 1: a request failed, or a process did not end as it should.

import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tell } from "../../shared/log-output.ts";
import { createCertificates } from "../../shared/rpc/testing-certificates.ts";
import { houseKey, startHouse } from "./house.ts";
import { startLoad } from "./load.ts";
import { roles } from "./pods.ts";

process.exitCode = 1;
const { STREAM_S = "60", STREAMS = "40", PER_SECOND = "60", CERTIFICATES = "", FIRST_PORT = "21700" } = process.env;
const streamS = Number(STREAM_S);
const firstPort = Number(FIRST_PORT);
/** Length of the `preStop` hook. */
const leaveMs = 5_000;
const replicas = 2;

await using undo = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), "throughline-rollout-"));
undo.defer(() => rmSync(folder, { recursive: true, force: true }));
const certificates = createCertificates();
undo.defer(() => certificates.remove());
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void undo.disposeAsync().finally(() => process.exit(1)));
}

const dnsNames = `DNS:throughline,${roles.map((role) => `DNS:${role}`).join(",")}`;
const files = { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key"), authority: join(folder, "ca.crt") };
/** Makes an authority and a certificate of it, and lays both in the place of what is there. */
function layCertificates(name: string): void {
  const authority = certificates.authority(name);
  const pair = certificates.issue(`of-${name}`, { by: name, names: dnsNames });
  for (const [from, to] of [
    [pair.certificateFile, files.certificate],
    [pair.privateKeyFile, files.key],
    [authority, files.authority],
  ] as const) {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }
}
layCertificates("first");

const say = (text: string): void => tell(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const house = await startHouse({
  ...{ replicas, grpcPort: firstPort, httpPort: firstPort + 1, firstMetricsPort: firstPort + 10 },
  env: {
    GRPC_TLS_CERT_FILE: files.certificate,
    GRPC_TLS_KEY_FILE: files.key,
    GRPC_TLS_CA_FILE: files.authority,
    SHUTDOWN_GRACE_MS: "600s",
  },
  callers: {
    tls: {
      certificateFile: files.certificate,
      privateKeyFile: files.key,
      authoritiesFile: files.authority,
      serverName: "billing",
    },
  },
});
undo.use(house);
const { serving } = house;
say(`${roles.length} Deployments of ${replicas} pods serve`);

const load = startLoad(house.url, { key: houseKey, perSecond: Number(PER_SECOND), streams: Number(STREAMS), streamS });
const standing = (): string =>
  `${load.short.whole} short and ${load.long.whole} long answers whole, ${load.short.failed.length} and ${load.long.failed.length} failed, ${load.streaming()} streams run`;
await sleep(10_000);
say(standing());
if (CERTIFICATES !== "") {
  layCertificates("second");
  say("all certificates are of another authority now");
  // Each process looks every ten seconds; lanes and their connections are renewed while the rollouts run.
  await sleep(30_000);
  say(standing());
}

const endings: Promise<unknown>[] = [];
const wrong: string[] = [];
for (const role of roles) {
  for (let i = 0; i < replicas; i++) {
    const [old] = serving[role];
    if (old === undefined) throw new Error(`no pod of ${role}`);
    await house.add(role);
    serving[role].shift();
    house.publish(role);
    endings.push(
      (async () => {
        await sleep(leaveMs);
        const { code, tookMs } = await old.stop();
        say(`a pod of ${role} ended after ${tookMs} ms with ${code}`);
        if (code !== 0 || tookMs > 600_000) wrong.push(`${role}: code ${code} after ${tookMs} ms`);
      })(),
    );
    await sleep(2_000);
  }
  say(`${role} is rolled: ${standing()}`);
}
await sleep(5_000);
await load.stop();
await Promise.all(endings);
say(standing());
const failures = [...load.short.failed, ...load.long.failed];
for (const failure of failures.slice(0, 20)) tell(`  ${failure}\n`);
for (const one of wrong) tell(`  ${one}\n`);
process.exitCode = failures.length + wrong.length === 0 ? 0 : 1;
