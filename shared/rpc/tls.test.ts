import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { createCertificates, type TestCertificates } from "./testing-certificates.ts";
import { createEcho } from "./testing-echo.ts";
import { failureOf, soon } from "./testing-pairs.ts";
import type { ClientTls, ServerTls } from "./tls.ts";
import { readTls, TlsFileError } from "./tls-files.ts";
import { explained } from "./why-away.ts";

type Pair = ReturnType<TestCertificates["issue"]>;

let certificates: TestCertificates;
let ca: string;
let foreignCa: string;
let good: Pair;
let expired: Pair;
let elsewhere: Pair;
let foreign: Pair;
beforeAll(() => {
  certificates = createCertificates();
  ca = certificates.authority("ca");
  foreignCa = certificates.authority("foreign-ca");
  const names = "DNS:localhost,IP:127.0.0.1";
  good = certificates.issue("good", { by: "ca", names });
  expired = certificates.issue("expired", { by: "ca", names, days: -1 });
  elsewhere = certificates.issue("elsewhere", { by: "ca", names: "DNS:elsewhere.test" });
  foreign = certificates.issue("foreign", { by: "foreign-ca", names });
});
afterAll(() => certificates.remove());

function recorder() {
  const lines: Record<string, unknown>[] = [];
  const log = { info() {}, error() {}, warn: (fields: object, msg: string) => void lines.push({ ...fields, msg }) };
  return { lines, log };
}

async function serve(tls: ServerTls | undefined) {
  const { lines, log } = recorder();
  const server = await startGrpcServer([createEcho().definition], { host: "127.0.0.1", port: 0, tls, log });
  onTestFinished(() => server.close(0));
  return { port: server.port, lines };
}

function client(port: number, tls: ClientTls | undefined, host = "localhost") {
  const { lines, log } = recorder();
  const target = `dns:///${host}:${port}`;
  const made = createGrpcClient(createEcho().definition.service, { target, tls, log, lanes: 1 });
  onTestFinished(() => made.close());
  return Object.assign(made, { lines });
}

describe("why a connection fails", () => {
  const mutual = (): ServerTls => ({ ...good, clientAuthoritiesFile: ca });
  const own = (): ClientTls => ({ ...good, authoritiesFile: ca });
  const cases: readonly (readonly [string, () => ServerTls | undefined, () => ClientTls | undefined, RegExp])[] = [
    ["an ended certificate", () => expired, () => ({ authoritiesFile: ca }), /has ended \(CERT_HAS_EXPIRED\)/],
    ["another host", () => elsewhere, () => ({ authoritiesFile: ca }), /another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
    [
      "a foreign authority",
      () => foreign,
      () => ({ authoritiesFile: ca }),
      /authority that this process does not know/,
    ],
    ["a server of plain text", () => undefined, own, /speaks plain text, this process TLS/],
    ["a client without a certificate", mutual, () => ({ authoritiesFile: ca }), /wants a certificate of this process/],
    [
      "a client of a foreign authority",
      mutual,
      () => ({ ...foreign, authoritiesFile: ca }),
      /refuses this process's certificate/,
    ],
    [
      "a client whose certificate has ended",
      mutual,
      () => ({ ...expired, authoritiesFile: ca }),
      /refuses this process's certificate/,
    ],
  ];

  /** One after the other they would wait for half a minute. */
  const together = <T>(list: readonly T[], run: (one: T) => Promise<void>) => Promise.all(list.map(run));

  test("is named to callers of both kinds, in their log and behind their errors", async () => {
    await together(cases, async ([name, server, tls, reason]) => {
      const { port } = await serve(server());
      const caller = client(port, tls());
      const [unary, lane] = await Promise.all([
        failureOf(caller.echoOnce({ text: "x" }, soon)),
        failureOf(caller.echo.call({ text: "x" }, soon)),
      ]);
      const message = "A part of the platform could not be reached.";
      expect([name, unary.code, unary.message]).toEqual([name, "service_unavailable", message]);
      expect([name, lane.code]).toEqual([name, "service_unavailable"]);
      expect([name, String(unary.cause)]).toEqual([name, expect.stringMatching(reason)]);
      const target = `dns:///localhost:${port}`;
      const line = { target, reason: expect.stringMatching(reason), count: 1, msg: "a service cannot be reached" };
      expect([name, caller.lines]).toEqual([name, [line]]);
    });
  }, 15_000);

  test("is said once a minute by the server that refuses", async () => {
    const refusals: readonly (readonly [ClientTls | undefined, RegExp])[] = [
      [undefined, /ERR_SSL/],
      [{ authoritiesFile: ca }, /CERTIFICATE|PEER_DID_NOT_RETURN/],
      [{ ...foreign, authoritiesFile: ca }, /SELF_SIGNED|UNABLE_TO/],
    ];
    await together(refusals, async ([tls, code]) => {
      const { port, lines } = await serve(mutual());
      await failureOf(client(port, tls).echoOnce({ text: "x" }, soon));
      await vi.waitFor(() => expect(lines).not.toEqual([]));
      expect(lines).toMatchObject([
        { msg: "TLS connections of callers fail", code: expect.stringMatching(code), count: 1 },
      ]);
    });
  });

  test("nobody there is told as that", async () => {
    const gone = await startGrpcServer([], { host: "127.0.0.1", port: 0 });
    await gone.close(0);
    const unary = await failureOf(client(gone.port, undefined, "127.0.0.1").echoOnce({ text: "x" }, soon));
    expect(String(unary.cause)).toMatch(/nothing listens there \(ECONNREFUSED\)/);
    expect(
      explained(
        "round_robin: No connection established. Last error: Error: something new (2026-11-29T00:00:00.000Z). Resolution note: ",
      ),
    ).toBe("something new");
  });
});

test("an address is no server name: Node warns of none, and the certificate is held against the address", async () => {
  const warned: string[] = [];
  const note = (warning: Error & { code?: string }) => void warned.push(warning.code ?? warning.message);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const { port } = await serve(good);
  for (const target of [`dns:///127.0.0.1:${port}`, `ipv4:127.0.0.1:${port}`, `127.0.0.1:${port}`]) {
    const made = createGrpcClient(createEcho().definition.service, { target, tls: { authoritiesFile: ca } });
    onTestFinished(() => made.close());
    expect((await made.echoOnce({ text: "x" }, soon)).text).toBe("x");
  }
  const other = await serve(elsewhere);
  const refused = await failureOf(
    client(other.port, { authoritiesFile: ca }, "127.0.0.1").echoOnce({ text: "x" }, soon),
  );
  expect(String(refused.cause)).toMatch(/another host/);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).not.toContain("DEP0123");
});

describe("files that change", () => {
  /** A pair of files that other pairs are laid in the place of. */
  function live(pair: Pair, name: string): Pair & { take(next: Pair): void } {
    const own = { certificateFile: certificates.file(`${name}.pem`), privateKeyFile: certificates.file(`${name}.key`) };
    const take = (next: Pair): void => {
      for (const part of ["certificateFile", "privateKeyFile"] as const) {
        copyFileSync(next[part], `${own[part]}.new`);
        renameSync(`${own[part]}.new`, own[part]);
      }
    };
    take(pair);
    return { ...own, take };
  }

  /** Serial of the certificate that new connections are shown. */
  function shown(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on("error", reject);
    });
  }

  test("are used by new connections of a server; a standing one goes on, and what cannot be used is not taken", async () => {
    const next = certificates.issue("next", { by: "ca", names: "DNS:localhost" });
    const files = live(expired, "live-server");
    const { port } = await serve({ ...files, lookEveryMs: 20 });
    const caller = client(port, { authoritiesFile: ca, lookEveryMs: 20 });
    const first = await shown(port);
    expect(String((await failureOf(caller.echoOnce({ text: "x" }, soon))).cause)).toMatch(/has ended/);
    files.take(next);
    await vi.waitFor(async () => expect(await shown(port)).not.toBe(first), { timeout: 5_000 });
    // The same client connects, without a restart of either.
    expect((await caller.echoOnce({ text: "x" }, soon)).text).toBe("x");
    const second = await shown(port);
    writeFileSync(files.certificateFile, "half a certif");
    files.take({ ...good, privateKeyFile: next.privateKeyFile });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await shown(port)).toBe(second);
    expect((await caller.echoOnce({ text: "y" }, soon)).text).toBe("y");
  });

  test("are used by new connections of a client", async () => {
    const files = live(expired, "live-client");
    const { port } = await serve({ ...good, clientAuthoritiesFile: ca });
    const caller = client(port, { ...files, authoritiesFile: ca, lookEveryMs: 20 });
    expect(String((await failureOf(caller.echoOnce({ text: "x" }, soon))).cause)).toMatch(
      /refuses this process's certificate/,
    );
    files.take(good);
    await vi.waitFor(async () => expect((await caller.echoOnce({ text: "x" }, soon)).text).toBe("x"), {
      timeout: 10_000,
    });
  });
});

describe("under load", () => {
  /** A Secret as Kubernetes mounts it: names are links into a folder, and one rename of a link changes them all. */
  function mounted(name: string) {
    const folder = certificates.file(name);
    let version = 0;
    mkdirSync(folder);
    const linked = (part: string): string => {
      symlinkSync(join("..data", part), join(folder, part));
      return join(folder, part);
    };
    return {
      files: {
        certificateFile: linked("tls.crt"),
        privateKeyFile: linked("tls.key"),
        authoritiesFile: linked("ca.crt"),
      },
      take(pair: Pair, authority: string): void {
        version += 1;
        mkdirSync(join(folder, `..${version}`));
        copyFileSync(pair.certificateFile, join(folder, `..${version}`, "tls.crt"));
        copyFileSync(pair.privateKeyFile, join(folder, `..${version}`, "tls.key"));
        copyFileSync(authority, join(folder, `..${version}`, "ca.crt"));
        symlinkSync(`..${version}`, join(folder, "..data_tmp"));
        renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
      },
    };
  }

  test("all certificates are replaced and the old authority is withdrawn, one side after the other: no call fails", async () => {
    const newCa = certificates.authority("new-ca");
    const names = "DNS:localhost";
    const next = certificates.issue("of-new-ca", { by: "new-ca", names });
    const [ofServer, ofClient] = [mounted("server"), mounted("client")];
    ofServer.take(good, ca);
    ofClient.take(good, ca);
    const { authoritiesFile: clientAuthoritiesFile, ...own } = ofServer.files;
    const { port } = await serve({ ...own, clientAuthoritiesFile, lookEveryMs: 10 });
    const caller = createGrpcClient(createEcho().definition.service, {
      target: `dns:///localhost:${port}`,
      tls: { ...ofClient.files, lookEveryMs: 10 },
      ...{ lanes: 2, laneMaxAgeMs: 100, channelMaxAgeMs: 50 },
    });
    onTestFinished(() => caller.close());

    let connections = 0;
    const count = (): void => {
      connections += 1;
    };
    subscribe("net.server.socket", count);
    onTestFinished(() => void unsubscribe("net.server.socket", count));
    const outcomes = { good: 0, failed: [] as string[] };
    let running = true;
    const asked = async (ask: () => Promise<unknown>) => {
      while (running) {
        try {
          await ask();
          outcomes.good += 1;
        } catch (error) {
          outcomes.failed.push(String(error));
        }
      }
    };
    const patient = { timeoutMs: 500 };
    const load = [
      ...[1, 2].map(() => asked(() => caller.echoOnce({ text: "x" }, patient))),
      ...[1, 2].map(() => asked(() => caller.echo.call({ text: "x" }, patient))),
    ];
    const moreConnections = async (count: number) => {
      const until = connections + count;
      await vi.waitFor(() => expect(connections).toBeGreaterThanOrEqual(until), { timeout: 10_000 });
    };
    await moreConnections(3);
    ofServer.take(next, newCa);
    // Now neither side takes the other's certificate: these attempts fail, and calls go on over what stands. They last
    // longer than a call would wait.
    await moreConnections(8);
    ofClient.take(next, newCa);
    await moreConnections(6);
    running = false;
    await Promise.all(load);
    expect(outcomes).toEqual({ good: expect.any(Number), failed: [] });
    expect(outcomes.good).toBeGreaterThan(100);
    const withdrawn = client(port, { ...good, authoritiesFile: newCa });
    await vi.waitFor(
      async () =>
        expect(String((await failureOf(withdrawn.echoOnce({ text: "x" }, soon))).cause)).toMatch(
          /refuses this process's certificate/,
        ),
      { timeout: 10_000 },
    );
  }, 30_000);
});

test("files that cannot be used are refused at once, by their names", () => {
  const junk = certificates.file("junk.pem");
  writeFileSync(junk, "junk");
  const broken = certificates.file("broken.pem");
  writeFileSync(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const empty = certificates.file("empty.pem");
  writeFileSync(empty, "");
  const nothing = certificates.file("nothing.pem");
  const cases: readonly (readonly [Parameters<typeof readTls>[0], string, RegExp])[] = [
    [{ authoritiesFile: junk }, "authoritiesFile", /junk.pem has no certificate in PEM$/],
    [{ authoritiesFile: empty }, "authoritiesFile", /has no certificate in PEM$/],
    [{ authoritiesFile: broken }, "authoritiesFile", /cannot be read/],
    [{ authoritiesFile: nothing }, "authoritiesFile", /cannot be read \(ENOENT\)$/],
    [{ authoritiesFile: certificates.file(".") }, "authoritiesFile", /cannot be read \(EISDIR\)$/],
    [{ ...good, certificateFile: junk }, "certificateFile", /has no certificate in PEM$/],
    [{ ...good, privateKeyFile: junk }, "privateKeyFile", /has no private key in PEM/],
    [
      { ...good, privateKeyFile: foreign.privateKeyFile },
      "privateKeyFile",
      /is not the key of the certificate in .*good.pem$/,
    ],
  ];
  for (const [files, file, message] of cases) {
    expect(() => readTls(files)).toThrow(TlsFileError);
    try {
      readTls(files);
    } catch (error) {
      expect([(error as TlsFileError).file, (error as Error).message]).toEqual([file, expect.stringMatching(message)]);
    }
  }
  expect(readTls({ ...good, authoritiesFile: foreignCa }).endsMs).toBeGreaterThan(Date.now() + 29 * 86_400_000);
});
