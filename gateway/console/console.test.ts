import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { serveConsole } from "./console.ts";

const page = `<!doctype html><title>Throughline</title>${"<p>the page</p>".repeat(20)}`;
const script = "console.log('a');".repeat(50);
const secret = "outside of the folder";

describe("a console that is built", () => {
  const edge = Fastify({ routerOptions: { ignoreTrailingSlash: true } });
  let folder = "";
  let url = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-console-"));
    await writeFile(join(folder, "secret.js"), secret);
    await mkdir(join(folder, "dist/assets"), { recursive: true });
    await writeFile(join(folder, "dist/index.html"), page);
    await writeFile(join(folder, "dist/.made-from"), secret);
    await writeFile(join(folder, "dist/assets/index-B1x.js"), script);
    edge.setErrorHandler((error, _request, reply) =>
      reply.code(error instanceof ThroughlineError ? error.httpStatus : 500).send(String(error)),
    );
    serveConsole(edge, join(folder, "dist"));
    url = await edge.listen({ host: "127.0.0.1", port: 0 });
  });
  afterAll(async () => {
    await edge.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("has its page at every address of a screen, asked for each time and sent once", async () => {
    for (const path of ["", "/", "/me", "/requests/chatcmpl-767212140985061376", "/find/req_1.2%2F3", "/index.html"]) {
      const response = await fetch(`${url}/console${path}`);
      expect([path, response.status, await response.text()]).toEqual([path, 200, page]);
      expect(response.headers.get("cache-control")).toBe("no-cache");
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      const again = await fetch(`${url}/console${path}`, {
        headers: { "if-none-match": response.headers.get("etag") ?? "" },
      });
      expect([again.status, await again.text()]).toEqual([304, ""]);
    }
  });

  test("lets nothing in but its own scripts, and stands in no frame", async () => {
    for (const path of ["/console", "/console/assets/index-B1x.js"]) {
      const { headers } = await fetch(url + path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
        expect(policy.split("; ")).toContain(rule);
      }
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
  });

  test("has its files for good, compressed for whom that helps", async () => {
    const asset = `${url}/console/assets/index-B1x.js`;
    const plain = await fetch(asset, { headers: { "accept-encoding": "identity" } });
    expect([plain.headers.get("content-encoding"), await plain.text()]).toEqual([null, script]);
    expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(plain.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    const raw = await get("/console/assets/index-B1x.js", "accept-encoding: gzip\r\n");
    const body = raw.subarray(raw.indexOf("\r\n\r\n") + 4);
    expect(raw.toString("latin1")).toMatch(/content-encoding: gzip/);
    expect(gunzipSync(body).toString()).toBe(script);
    const gone = await fetch(`${url}/console/assets/index-OLD.js`);
    expect(gone.status).toBe(404);
    expect(await gone.text()).not.toContain("<title>");
  });

  test.each([
    "/console/../secret.js",
    "/console/%2e%2e/secret.js",
    "/console/..%2fsecret.js",
    "/console/..%5csecret.js",
    "/console/assets/../../secret.js",
    "/console/assets/..%2f..%2fsecret.js",
    "/console/%2e%2e%2f%2e%2e%2fetc/passwd",
    "/console//etc/passwd/../../secret.js",
    "/console/.made-from%00.js/..",
    "/console/assets/%00",
  ])("gives nothing from outside of its folder: %s", async (path) => {
    const answer = (await get(path)).toString("latin1");
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).not.toContain(secret);
  });

  test("does not tell what it was made from", async () => {
    expect(await (await fetch(`${url}/console/.made-from`)).text()).toBe(page);
  });

  /** Asks with the path as it stands, which fetch would put in order, and gives the whole answer. */
  async function get(path: string, headers = ""): Promise<Buffer> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${headers}\r\n`);
    return Buffer.from(await text(socket.setEncoding("latin1")), "latin1");
  }
});

test("a console that is not built is told of in plain words, and found when it is built later", async () => {
  const folder = await mkdtemp(join(tmpdir(), "throughline-console-"));
  const edge = Fastify();
  serveConsole(edge, join(folder, "dist"));
  try {
    const none = await edge.inject("/console/me");
    expect([none.statusCode, none.headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"]);
    expect(none.body).toContain("npm run console:build");
    await mkdir(join(folder, "dist"));
    await writeFile(join(folder, "dist/index.html"), page);
    expect((await edge.inject("/console/me")).body).toBe(page);
  } finally {
    await edge.close();
    await rm(folder, { recursive: true, force: true });
  }
});
