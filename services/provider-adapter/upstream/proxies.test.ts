import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createDirectHosts, proxiesOf } from "./proxies.ts";
import { chatRequest, gather, rawServer } from "./testing.ts";
import { type ProxyHabits, startProxy, type TestProxy } from "./testing-proxy.ts";
import { type Certificate, makeAuthority, type TestAuthority } from "./testing-tls.ts";
import { createUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

/* Upstreams behind a proxy: plain ones are asked for by way of it, the others through its tunnel; all bounds and reasons hold. */

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
let authority: TestAuthority;
beforeAll(() => {
  authority = makeAuthority();
});

const echo = (socket: Socket) => void socket.on("data", () => socket.write(ok));
/** This machine is never reached by way of a proxy: only the proxy knows where this host is. */
const vendor = "vendor.test";

async function plain(onSocket: (socket: Socket) => void = echo): Promise<string> {
  return `http://${(await rawServer(onSocket)).replace("127.0.0.1", vendor)}`;
}

async function secure(certificate: Certificate, onSocket: (socket: Socket) => void = echo): Promise<string> {
  const server = createServer(certificate, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.on("tlsClientError", () => {});
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `https://${vendor}:${typeof address === "object" && address !== null ? address.port : 0}`;
}

interface Behind {
  readonly proxy: TestProxy;
  readonly upstream: Upstream;
  readonly logged: string[];
}

const password = "s3cret-of-the-proxy";

async function behind(habits: ProxyHabits = {}, none = "", more: Partial<UpstreamOptions> = {}): Promise<Behind> {
  const proxy = await startProxy({ hosts: { [vendor]: "127.0.0.1" }, ...habits });
  const address = `http://user:${password}@127.0.0.1:${proxy.port}/`;
  const logged: string[] = [];
  const upstream = createUpstream({
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 5_000,
    chunkTimeoutMs: 5_000,
    maxConnectionsPerOrigin: 8,
    ca: authority.ca,
    proxies: { http: address, https: address, none },
    log: { error: (...line: unknown[]) => void logged.push(JSON.stringify(line)) },
    ...more,
  });
  onTestFinished(async () => {
    await upstream.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { proxy, upstream, logged };
}

const kinds: [name: string, origin: (onSocket?: (socket: Socket) => void) => Promise<string>][] = [
  ["plain", plain],
  ["secure", (onSocket) => secure(authority.good, onSocket)],
];

describe.each(kinds)("a %s upstream", (name, serve) => {
  const ask = async ({ upstream }: Behind, origin: string) =>
    await gather(upstream, chatRequest(origin, "m", false)).ending;

  test("is asked for by way of the proxy, which gets its password and no more than it needs", async () => {
    const way = await behind();
    const origin = await serve();
    for (let count = 0; count < 2; count += 1) {
      expect(await ask(way, origin)).toMatchObject({ fault: undefined, text: "ok" });
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    const { host } = new URL(origin);
    const [first, ...others] = way.proxy.asked;
    expect(first).toBe(name === "plain" ? `POST ${origin}/v1/chat/completions` : `CONNECT ${host}`);
    // A tunnel is kept and used again.
    expect(others).toHaveLength(name === "plain" ? 1 : 0);
    expect(way.proxy.lastHeaders).toMatchObject({
      host,
      "proxy-authorization": `Basic ${Buffer.from(`user:${password}`).toString("base64")}`,
    });
    if (name === "secure") expect(way.proxy.lastHeaders).not.toHaveProperty("content-type");
  });

  test.each(["vendor.test", ".test", "other.test, VENDOR.test", "*"])("is not where NO_PROXY says %s", async (none) => {
    const way = await behind({}, none);
    // Nobody but the proxy knows the host.
    expect((await ask(way, await serve())).fault?.kind).toBe("dns");
    expect(way.proxy.asked).toEqual([]);
  });

  test("on this machine needs no proxy", async () => {
    const way = await behind();
    const origin = (await serve()).replace(vendor, "127.0.0.1");
    expect(await ask(way, origin)).toMatchObject({ fault: undefined, text: "ok" });
    expect(way.proxy.asked).toEqual([]);
  });

  test.each([407, 403])("behind a proxy that answers %i: the proxy's fault, without its password", async (status) => {
    const way = await behind({ refuse: status });
    const { fault, status: answered } = await ask(way, await serve());
    // A plain proxy's answers look like the upstream's, except its wish for a password.
    if (name === "plain" && status !== 407) expect(answered).toBe(status);
    else expect(fault).toMatchObject({ kind: "proxy", headSeen: false, detail: `PROXY_${status}` });
    expect(JSON.stringify([fault, way.logged])).not.toContain(password);
  });

  test("behind a proxy that is away", async () => {
    const way = await behind();
    await way.proxy[Symbol.asyncDispose]();
    const { fault } = await ask(way, await serve());
    expect(fault).toMatchObject({ kind: "proxy", sent: false, detail: "ECONNREFUSED" });
  });

  test("behind a proxy that hangs: the bounds hold", async () => {
    const way = await behind({ silent: true }, "", { connectTimeoutMs: 150, headersTimeoutMs: 1_000 });
    const { fault } = await ask(way, await serve());
    expect(fault?.kind).toBe(name === "plain" ? "headers_timeout" : "connect_timeout");
  });

  test("that closes a kept connection is asked once more over a new one", async () => {
    if (name === "plain") return;
    let requests = 0;
    const way = await behind();
    const origin = await serve((socket) => {
      let request = 0;
      socket.on("data", () => {
        requests += 1;
        if (++request === 1) socket.write(ok);
        else socket.destroy();
      });
    });
    for (let count = 0; count < 2; count += 1) {
      expect((await ask(way, origin)).fault).toBeUndefined();
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    expect([requests, way.proxy.asked.length]).toEqual([3, 2]);
  });

  test("is left at once when the call is given up", async () => {
    const left = Promise.withResolvers<void>();
    const way = await behind();
    const origin = await serve((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"));
      socket.once("close", () => left.resolve());
    });
    const { call, firstData, ending } = gather(way.upstream, chatRequest(origin, "m", true));
    await firstData;
    call.abort();
    await left.promise;
    expect((await ending).fault?.kind).toBe("aborted");
  });

  test("is held back by a slow reader", async () => {
    const way = await behind();
    let written = 0;
    const piece = Buffer.alloc(64 * 1024);
    const origin = await serve((socket) => {
      const pump = () => {
        let goesOn = true;
        while (goesOn && !socket.destroyed) {
          goesOn = socket.write(piece);
          written += piece.length;
        }
      };
      socket.on("drain", pump);
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
        pump();
      });
    });
    const { call, bytes } = gather(way.upstream, chatRequest(origin, "m", true), (given) => given.pause());
    let before = -1;
    // It stands still: nothing more was written between two looks.
    const standsStill = () => {
      const still = written > 0 && written === before;
      before = written;
      return still;
    };
    await expect.poll(standsStill, { interval: 100, timeout: 5_000 }).toBe(true);
    expect(bytes()).toBeLessThan(1_000_000);
    call.abort();
  });
});

test("why TLS failed is told through a tunnel too", async () => {
  const { upstream } = await behind();
  const { fault } = await gather(upstream, chatRequest(await secure(authority.expired), "m", false)).ending;
  expect(fault).toMatchObject({ kind: "tls", detail: "CERT_HAS_EXPIRED" });
});

describe("the environment", () => {
  test("lower-case spellings come first, a scheme may be left out", () => {
    expect(proxiesOf({ HTTPS_PROXY: "http://b:1", https_proxy: "c:2", HTTP_PROXY: " ", no_proxy: "x,y" })).toEqual({
      http: "",
      https: "http://c:2/",
      none: "x,y",
    });
  });

  test.each(["socks5://host:1", "http://", "http://user:topsecret@ho st"])(
    "%s is refused without being repeated",
    (value) => {
      const read = () => proxiesOf({ HTTPS_PROXY: value });
      expect(read).toThrow(expect.objectContaining({ message: expect.stringMatching(/^HTTPS_PROXY must be/) }));
      expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining("topsecret") }));
    },
  );

  test("ranges of both families and this machine are direct; what is no range is none", () => {
    const isDirect = createDirectHosts("a.test,10.0.0.0/8 fd00::/8,1.2.3.4,10.0.0.0/99,300.0.0.0/8");
    for (const host of ["10.1.2.3", "[fd00::1]", "127.0.0.9", "[::1]", "localhost", "a.localhost"]) {
      expect(isDirect(host), host).toBe(true);
    }
    for (const host of ["11.0.0.1", "[fe00::1]", "1.2.3.4", "a.test", "10.test"])
      expect(isDirect(host), host).toBe(false);
  });
});
