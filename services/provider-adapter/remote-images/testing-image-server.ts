import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect } from "vitest";
import type { ThroughlineError } from "../../../shared/errors/error.ts";
import type { OutboundAccess } from "../../../shared/outbound/guard.ts";
import { createImageProxy, type ImageProxyOptions } from "./image-proxy.ts";

/** A picture of one pixel. */
export const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
/** The same picture as data. */
export const dataUrl = `data:image/png;base64,${png.toString("base64")}`;
/** Where `chat` has its first address. */
export const path = "messages[0].content[0].image_url.url";

/** A question with pictures at these addresses. */
export const chat = (...urls: string[]) => ({
  messages: [{ role: "user", content: urls.map((url) => ({ type: "image_url", image_url: { url } })) }],
});

/** Starts a server of pictures, whose own address counts as public, and proxies that fetch from it. */
export async function startImageServer() {
  /** What was asked for. */
  const seen: IncomingMessage[] = [];
  let port = 0;
  /** What the server does with a path. */
  const pages: Record<string, (response: ServerResponse) => void> = {
    "/a.png": (response) => response.writeHead(200, { "content-type": "application/octet-stream" }).end(png),
    "/page": (response) => response.writeHead(200, { "content-type": "image/png" }).end("<html></html>"),
    "/svg": (response) => response.writeHead(200, { "content-type": "image/svg+xml" }).end("<svg/>"),
    "/large": (response) => response.writeHead(200).end(Buffer.concat([png, Buffer.alloc(100_000)])),
    "/endless": (response) => {
      const pour = () => {
        while (response.write(Buffer.alloc(16_384))) if (response.destroyed) return;
      };
      response.writeHead(200).write(png);
      response.on("drain", pour);
      pour();
    },
    "/hangs": () => undefined,
    "/stalls": (response) => void response.writeHead(200).write(png.subarray(0, 10)),
    "/404": (response) => response.writeHead(404).end(),
    "/loop": (response) => response.writeHead(302, { location: "/loop" }).end(),
    "/hop1": (response) => response.writeHead(301, { location: "/hop2" }).end(),
    "/hop2": (response) => response.writeHead(307, { location: `http://public.example:${port}/hop3` }).end(),
    "/hop3": (response) => response.writeHead(308, { location: "a.png" }).end(),
    "/to-file": (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    "/to-password": (response) => response.writeHead(302, { location: "http://me:secret@public.example/a.png" }).end(),
  };
  const server = createServer((request, response) => {
    seen.push(request);
    const url = request.url ?? "";
    // Redirects to whatever stands behind the question mark.
    if (url.startsWith("/to?")) {
      response.writeHead(302, { location: decodeURIComponent(url.slice(4)) }).end();
    } else (pages[url] ?? pages["/404"])?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;

  /** The server's own address counts as public; every name but these has no address. */
  const names: Record<string, readonly string[]> = {
    "public.example": ["127.0.0.1"],
    "private.example": ["10.0.0.1"],
    "mixed.example": ["127.0.0.1", "192.168.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nothing.example": [],
  };
  const access: Required<OutboundAccess> = {
    allow: ["127.0.0.1"],
    async resolve(host) {
      const found = names[host];
      if (found === undefined) throw new Error(`no such name: ${host}`);
      return found;
    },
  };

  const at = (page: string, host = "public.example") => `http://${host}:${port}${page}`;

  async function inline(body: object, options: Partial<ImageProxyOptions> = {}) {
    const proxy = createImageProxy({
      maxBytes: 50_000,
      maxTotalBytes: 100_000,
      timeoutMs: 2_000,
      ...access,
      ...options,
    });
    try {
      const bytes = await proxy.inline(Buffer.from(JSON.stringify(body)), new AbortController().signal);
      return JSON.parse(Buffer.from(bytes).toString()) as unknown;
    } finally {
      await proxy.close();
    }
  }

  async function refusal(url: string, options: Partial<ImageProxyOptions> = {}): Promise<string> {
    const error = await inline(chat(url), options).then(
      () => undefined,
      (thrown: ThroughlineError) => thrown,
    );
    expect(error?.code).toBe("invalid_value");
    expect(error?.httpStatus).toBe(400);
    expect(error?.param).toBe(path);
    expect(error?.message).toMatch(/^messages\[0\]\.content\[0\]\.image_url\.url could not be fetched: /);
    return error?.message.split("fetched: ")[1] ?? "";
  }

  return {
    seen,
    pages,
    port,
    access,
    at,
    inline,
    refusal,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
