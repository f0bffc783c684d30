import { once } from "node:events";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { startProxy } from "../upstream/testing-proxy.ts";
import { makeAuthority, type TestAuthority } from "../upstream/testing-tls.ts";
import { createImageFetcher, ImageRefused } from "./fetch-image.ts";

/* Pictures by way of a proxy: it is asked for a tunnel to the address that was found to be public, never to a name. */

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
/** A public address, which only the proxy of the test leads here from. */
const address = "93.184.216.34";
const never = new AbortController().signal;
let authority: TestAuthority;
beforeAll(() => {
  authority = makeAuthority();
});

async function serve(scheme: "http" | "https") {
  const hosts: (string | undefined)[] = [];
  const listener: RequestListener = (request, response) => {
    hosts.push(request.headers.host);
    response.writeHead(200).end(png);
  };
  const server = scheme === "https" ? createServer(authority.good, listener) : createPlainServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const bound = server.address();
  return { port: typeof bound === "object" && bound !== null ? bound.port : 0, hosts };
}

async function fetcher(found: readonly string[], none = "") {
  const proxy = await startProxy({ hosts: { [address]: "127.0.0.1" } });
  const here = `http://127.0.0.1:${proxy.port}/`;
  const images = createImageFetcher({
    maxBytes: 10_000,
    timeoutMs: 2_000,
    resolve: async () => found,
    proxies: { http: here, https: here, none },
  });
  onTestFinished(async () => {
    await images.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { images, proxy };
}

test("a public picture comes through a tunnel to its address, under its own name", async () => {
  const { images, proxy } = await fetcher([address]);
  const { port, hosts } = await serve("http");
  const fetched = await images.fetch(`http://pictures.test:${port}/a.png`, "image", never);
  expect(fetched.bytes.equals(png)).toBe(true);
  expect(proxy.asked).toEqual([`CONNECT ${address}:${port}`]);
  expect(hosts).toEqual([`pictures.test:${port}`]);
});

test("a certificate is held to the name, not to the address", async () => {
  const { images, proxy } = await fetcher([address]);
  const { port, hosts } = await serve("https");
  // Its authority is not trusted here, so it comes to nothing, but with the tunnel made.
  const refused = images.fetch(`https://vendor.test:${port}/a.png`, "image", never);
  await expect(refused).rejects.toThrow(ImageRefused);
  expect(proxy.asked).toEqual([`CONNECT ${address}:${port}`]);
  expect(hosts).toEqual([]);
});

test.each([
  ["a private address", ["10.0.0.1"]],
  ["any private address", [address, "192.168.0.1"]],
  ["no address", []],
])("what has %s is refused before the proxy hears of it", async (_what, found) => {
  const { images, proxy } = await fetcher(found);
  await expect(images.fetch("http://inside.test/a.png", "image", never)).rejects.toThrow("no public address");
  expect(proxy.asked).toEqual([]);
});

test.each(["http://10.0.0.1/a.png", "http://[::1]/a.png", "http://127.0.0.1:1/a.png", "http://2130706433/a.png"])(
  "%s is refused before the proxy hears of it",
  async (url) => {
    const { images, proxy } = await fetcher([address]);
    await expect(images.fetch(url, "image", never)).rejects.toThrow("no public address");
    expect(proxy.asked).toEqual([]);
  },
);
