import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createGuard } from "../../../shared/outbound/guard.ts";
import { gather } from "./testing.ts";
import { startProxy } from "./testing-proxy.ts";
import { createUpstream } from "./upstream.ts";

/* Calls to hosts that strangers name: what is connected to, directly and by way of a proxy. */

/** A public address, which only the proxy of the test leads here from. */
const address = "93.184.216.34";

async function serve(): Promise<{ readonly port: number; readonly hosts: (string | undefined)[] }> {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end("a result");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const bound = server.address();
  return { port: typeof bound === "object" && bound !== null ? bound.port : 0, hosts };
}

function upstreamFor(found: readonly string[], proxy?: { readonly port: number }) {
  const here = proxy === undefined ? "" : `http://127.0.0.1:${proxy.port}/`;
  const upstream = createUpstream({
    ...{ connectTimeoutMs: 2_000, headersTimeoutMs: 2_000, chunkTimeoutMs: 2_000, maxConnectionsPerOrigin: 4 },
    proxies: { http: here, https: here, none: "" },
    guard: createGuard({ resolve: async () => found }),
  });
  onTestFinished(() => upstream.close());
  return (origin: string) => gather(upstream, { origin, path: "/a", method: "GET", headers: {} }).ending;
}

test.each([
  ["a name of this machine", "http://inside.test", ["127.0.0.1"]],
  ["a name with any private address", "http://inside.test", [address, "10.0.0.1"]],
  ["a name without an address", "http://inside.test", []],
  ["this machine", "http://127.0.0.1", [address]],
  ["a number that is this machine", "http://2130706433", [address]],
  ["this machine in IPv6", "http://[::1]", [address]],
])("%s is connected to neither directly nor by a proxy", async (_what, origin, found) => {
  const { port, hosts } = await serve();
  const proxy = await startProxy({ hosts: { [address]: "127.0.0.1" } });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  for (const by of [undefined, proxy]) {
    const { fault } = await upstreamFor(found, by)(new URL(`${origin}:${port}`).origin);
    expect(fault).toMatchObject({ sent: false });
  }
  expect(proxy.asked).toEqual([]);
  expect(hosts).toEqual([]);
});

test("a public host is reached by a tunnel to the address that was checked, under its own name", async () => {
  const { port, hosts } = await serve();
  const proxy = await startProxy({ hosts: { [address]: "127.0.0.1" } });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const { status, text } = await upstreamFor([address], proxy)(`http://store.test:${port}`);
  expect([status, text]).toEqual([200, "a result"]);
  expect(proxy.asked).toEqual([`CONNECT ${address}:${port}`]);
  expect(hosts).toEqual([`store.test:${port}`]);
});
