import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { costFields } from "../answers/costs.ts";

/** Headers of answers that scripts of a page may read. */
const exposed = [
  ...["x-oneapi-request-id", "request-id", "x-request-id", "x-trace-id", "x-upstream-request-id"],
  ...["retry-after", "x-should-retry", ...costFields],
  ...["limit", "remaining", "reset"].flatMap((what) => [`x-ratelimit-${what}-requests`, `x-ratelimit-${what}-tokens`]),
].join(", ");
/** How long a browser may remember what it was told, in seconds. */
const rememberedS = 7_200;
/** Administration is for programs, never for pages. */
const hidden = /^\/(trpc|metrics|readyz|healthz)(\/|$)/;

/** A list of names of headers. */
const headerNames = /^[!#$%&'*+.^_`|~0-9A-Za-z, -]{1,2000}$/;

/** What pages of other origins may do. */
export interface Cors {
  /** Tells the browser that the page may read the answer, where its origin is one of those that may. */
  allow(request: FastifyRequest, response: ServerResponse): void;
  /** Answers a browser's question before a request, if it is one that is answered. False: it is a request like others. */
  preflight(request: FastifyRequest, reply: FastifyReply): boolean;
}

const none: Cors = { allow() {}, preflight: () => false };

/**
 * Cross-origin access for pages of these origins ("*": of all). Without any no answer says a word of it, and browsers keep
 * pages out.
 */
export function createCors(origins: readonly string[]): Cors {
  if (origins.length === 0) return none;
  const any = origins.includes("*");
  const known = new Set(origins);

  function originOf(request: FastifyRequest): string | undefined {
    const { origin } = request.headers;
    if (origin === undefined || hidden.test(request.url)) return undefined;
    return any ? "*" : known.has(origin) ? origin : undefined;
  }

  function allow(request: FastifyRequest, response: ServerResponse): void {
    // Caches must not give one page what was said to another, also where nothing was.
    if (!any) response.setHeader("vary", "Origin");
    const origin = originOf(request);
    if (origin === undefined) return;
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", exposed);
  }

  return {
    allow,
    preflight(request, reply) {
      const method = request.headers["access-control-request-method"];
      if (request.method !== "OPTIONS" || method === undefined || originOf(request) === undefined) return false;
      // The request itself is told whether there is such a path; the page may read that answer.
      reply.header("access-control-allow-methods", "GET, POST");
      const headers = request.headers["access-control-request-headers"] ?? "";
      if (headerNames.test(headers)) reply.header("access-control-allow-headers", headers);
      reply.header("access-control-max-age", String(rememberedS));
      void reply.code(204).send();
      return true;
    },
  };
}
