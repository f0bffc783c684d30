import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { startTcpProxy } from "../db/tcp-proxy.fixture.ts";
import { EchoService } from "../gen/throughline/testing/v1/echo_pb.ts";
import { createGrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
import { type GrpcServerOptions, startGrpcServer } from "./grpc-server.ts";
import { createHealthCheck } from "./health.ts";
import { createEcho } from "./testing-echo.ts";
import { atEnd, collect, type EchoClient, failureOf, soon } from "./testing-pairs.ts";

async function serve(options: Partial<GrpcServerOptions> = {}) {
  const echo = createEcho();
  const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0, ...options });
  atEnd(() => server.close(0));
  return { echo, server };
}

function connect(options: GrpcClientOptions): EchoClient {
  const client = createGrpcClient(EchoService, options);
  atEnd(() => client.close());
  return client;
}

const bytes = (message: Buffer): Buffer => message;

/** What any gRPC tool can ask of a server, in bytes. */
function foreign(port: number) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  atEnd(async () => client.close());
  return {
    unary: (path: string, request: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        client.makeUnaryRequest(path, bytes, bytes, request, (error: ServiceError | null, answer?: Buffer) => {
          if (error !== null) reject(error);
          else resolve(answer ?? Buffer.alloc(0));
        });
      }),
    exchange: (path: string, request: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        const stream = client.makeBidiStreamRequest(path, bytes, bytes);
        stream.on("data", resolve);
        stream.on("error", reject);
        stream.write(request);
        stream.end();
      }),
  };
}

/** A field of text, as protobuf writes it. */
function textField(number: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)]);
}

describe("health", () => {
  const check = "/grpc.health.v1.Health/Check";
  const serving = Buffer.from([8, 1]);
  const notServing = Buffer.from([8, 2]);

  test("tells of the server, its services and readiness; liveness stays", async () => {
    const { server } = await serve();
    const tool = foreign(server.port);
    const names = ["", "readiness", "throughline.testing.v1.EchoService"];
    const statuses = (): Promise<Buffer[]> =>
      Promise.all([...names, "liveness"].map((name) => tool.unary(check, textField(1, name))));
    expect(await statuses()).toEqual([serving, serving, serving, serving]);
    server.setServing(false);
    expect(await statuses()).toEqual([notServing, notServing, notServing, serving]);
    server.setServing(true);
    expect(await statuses()).toEqual([serving, serving, serving, serving]);
    await expect(tool.unary(check, textField(1, "nobody"))).rejects.toMatchObject({ code: 5 });
  });

  test("of a server that is leaving stays, whatever a late look at its service says", async () => {
    const { echo, server } = await serve();
    const tool = foreign(server.port);
    expect(await tool.unary(check, Buffer.alloc(0))).toEqual(serving);
    const held = connect({ target: `127.0.0.1:${server.port}` }).echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const closed = server.close(5_000);
    server.setServing(true);
    expect(await tool.unary(check, Buffer.alloc(0))).toEqual(notServing);
    echo.release();
    await held;
    await closed;
  });
});

describe("a health check", () => {
  /** Two servers of one service, the first behind a relay, and a check of both. */
  async function checked() {
    const [first, second] = [(await serve()).server, (await serve()).server];
    const relay = await startTcpProxy(`tcp://127.0.0.1:${first.port}`);
    atEnd(() => relay.close());
    const check = createHealthCheck(`ipv4:127.0.0.1:${new URL(relay.url).port},127.0.0.1:${second.port}`);
    atEnd(async () => check.close());
    expect(await check.healthy(2_000)).toBe(true);
    return { check, first, second, relay };
  }

  test("finds a service whose other server is leaving, and none where both are", async () => {
    const { check, first, second } = await checked();
    first.setServing(false);
    for (let time = 0; time < 4; time += 1) expect(await check.healthy(2_000)).toBe(true);
    first.setServing(true);
    second.setServing(false);
    for (let time = 0; time < 4; time += 1) expect(await check.healthy(2_000)).toBe(true);
    first.setServing(false);
    expect(await check.healthy(2_000)).toBe(false);
  });

  test("leaves a server that vanished without a word", async () => {
    const { check, relay } = await checked();
    relay.swallow();
    // At most one ask is lost on it.
    await check.healthy(300);
    for (let time = 0; time < 4; time += 1) expect(await check.healthy(2_000)).toBe(true);
  });
});

describe("reflection", () => {
  test.each(["v1", "v1alpha"])("%s lists the services and gives their files", async (version) => {
    const { server } = await serve();
    const tool = foreign(server.port);
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const list = await tool.exchange(path, textField(7, "*"));
    expect(list.toString("latin1")).toContain("throughline.testing.v1.EchoService");
    const file = await tool.exchange(path, textField(4, "throughline.testing.v1.EchoService"));
    expect(file.toString("latin1")).toContain("throughline/testing/v1/echo.proto");
    expect(file.toString("latin1")).toContain("throughline/common/v1/common.proto");
  });
});

describe("connections", () => {
  const quick = { keepaliveMs: 20 };

  test("of age are replaced; no call and no frame is lost", async () => {
    const { echo, server } = await serve(quick);
    const target = `127.0.0.1:${server.port}`;
    const client = connect({ target, lanes: 2, laneMaxAgeMs: 60, channelMaxAgeMs: 100, ...quick });
    const frames = collect(client.count.open({ frames: 9, text: "hold" }, soon));
    const endMs = performance.now() + 600;
    let answered = 0;
    while (performance.now() < endMs) {
      const [lane, unary] = await Promise.all([
        client.echo.call({ text: "a" }, soon),
        client.echoOnce({ text: "b" }, soon),
      ]);
      expect([lane.text, unary.text]).toEqual(["a", "b"]);
      answered += 1;
    }
    // The number depends on the machine; lanes were replaced ten times meanwhile.
    expect(answered).toBeGreaterThan(0);
    echo.release();
    expect((await frames).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("to a server that leaves last as long as the calls on them, past any keepalive", async () => {
    const { echo, server } = await serve(quick);
    const client = connect({ target: `127.0.0.1:${server.port}`, lanes: 1, ...quick });
    const held = client.echo.call({ text: "hold" }, soon);
    const frames = collect(client.count.open({ frames: 3, text: "hold" }, soon));
    await echo.until(({ texts }) => texts.length === 2);
    const closed = server.close(5_000);
    // Ten times the keepalive's time.
    await new Promise((resolve) => setTimeout(resolve, 200));
    echo.release();
    expect((await held).text).toBe("hold");
    expect(await frames).toHaveLength(3);
    await closed;
  });

  test("a port that is taken is an error at the start", async () => {
    const { server } = await serve();
    await expect(serve({ port: server.port })).rejects.toThrow(
      `127.0.0.1:${server.port} is in use by another program; GRPC_HOST and GRPC_PORT say another`,
    );
  });
});

describe("TLS", () => {
  /** An authority and two certificates of it, made by openssl. */
  function certificates() {
    const folder = mkdtempSync(join(tmpdir(), "throughline-tls-"));
    atEnd(async () => rmSync(folder, { recursive: true }));
    const file = (name: string): string => join(folder, name);
    const openssl = (...args: string[]): void => {
      execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
    };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority");
    writeFileSync(file("names"), "subjectAltName=DNS:echo.test\n");
    for (const name of ["server", "client"]) {
      openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
      openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signer);
    }
    return file;
  }

  test("with certificates on both sides; without the client's there is no service", async () => {
    const file = certificates();
    const { server } = await serve({
      tls: {
        certificateFile: file("server.pem"),
        privateKeyFile: file("server.key"),
        clientAuthoritiesFile: file("ca.pem"),
      },
    });
    const target = `127.0.0.1:${server.port}`;
    const trusting = { authoritiesFile: file("ca.pem"), serverName: "echo.test" };
    const own = { certificateFile: file("client.pem"), privateKeyFile: file("client.key") };
    const client = connect({ target, tls: { ...trusting, ...own } });
    expect((await client.echo.call({ text: "secret" }, soon)).text).toBe("secret");
    expect((await client.echoOnce({ text: "secret" }, soon)).text).toBe("secret");
    const refused = [
      connect({ target, tls: trusting }),
      connect({ target, tls: { ...trusting, ...own, serverName: "other.test" } }),
      connect({ target }),
    ].map((stranger) => failureOf(stranger.ready(400)));
    for (const { code } of await Promise.all(refused)) expect(code).toBe("service_unavailable");
  });
});
