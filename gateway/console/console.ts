import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { type ConsoleFile, type ConsoleFiles, readConsole } from "./files.ts";

/** Where `npm run console:build` puts it. */
const builtFolder = fileURLToPath(new URL("../../console/dist", import.meta.url));

/** Pages get nothing but the gateway's own files, speak with the gateway alone, and stand in no frame. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const pageHeaders = {
  "content-security-policy": contentSecurityPolicy,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
} as const;

/** Names of these files change with what is in them. */
const hashed = "assets/";
const hashedCaching = "public, max-age=31536000, immutable";
/** The page is asked for each time, and not sent again while it is the same. */
const pageCaching = "no-cache";

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Throughline</title></head><body>
<h1>The console is not built</h1>
<p>This gateway has no console to show. Run <code>npm run console:build</code> where it was started, then load this page again.</p>
<p>The API works all the same.</p>
</body></html>
`;

/**
 * GET /console: the console's page and its files, without a key: the page asks for one and sends it to /trpc. They are
 * served as probes are, without request IDs and lines in the log: nothing in them is anybody's.
 *
 * @param folder the built console.
 */
export function serveConsole(edge: FastifyInstance, folder = builtFolder): void {
  let files: Promise<ConsoleFiles | undefined> | undefined;

  /** They are read when the first page is asked for: most gateways never are. A console that is built later is found. */
  async function built(): Promise<ConsoleFiles | undefined> {
    files ??= readConsole(folder);
    try {
      const found = await files;
      if (found === undefined) files = undefined;
      return found;
    } catch (error) {
      files = undefined;
      throw error;
    }
  }

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const path = pathOf(request);
    const found = await built();
    reply.headers(pageHeaders);
    if (found === undefined) return reply.code(503).type("text/html; charset=utf-8").send(notBuilt);
    const file = found.get(path) ?? (isScreen(path) ? found.get("index.html") : undefined);
    if (file === undefined) throw new ThroughlineError("not_found", "There is no such path.");
    reply.header("cache-control", path.startsWith(hashed) ? hashedCaching : pageCaching);
    return send(request, reply, file);
  };
  edge.get("/console", { config: { probe: true } }, answer);
  edge.get("/console/*", { config: { probe: true } }, answer);
}

/** What is asked for below /console. */
function pathOf({ params }: FastifyRequest): string {
  const path: unknown = typeof params === "object" && params !== null ? Reflect.get(params, "*") : undefined;
  return typeof path === "string" ? path : "";
}

/** Whether a path may be one of the console's own screens, which the page itself finds; a file that is gone is none. */
function isScreen(path: string): boolean {
  return !path.startsWith(hashed) && !path.split(/[/\\]/).some((part) => part === "." || part === "..");
}

function send({ headers }: FastifyRequest, reply: FastifyReply, file: ConsoleFile): FastifyReply {
  reply.header("etag", file.etag).header("vary", "accept-encoding");
  if (headers["if-none-match"]?.includes(file.etag) === true) return reply.code(304).send();
  reply.type(file.type);
  const { gzipped } = file;
  if (gzipped === undefined || !/\bgzip\b/.test(headers["accept-encoding"] ?? "")) return reply.send(file.bytes);
  return reply.header("content-encoding", "gzip").send(gzipped);
}
