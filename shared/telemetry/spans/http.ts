import { scrub } from "../../scrub.ts";
import { attribute } from "../attributes.ts";
import type { SpanAttributes } from "../span.ts";

/** A request as the edge sees it; Fastify's requests are of this shape. */
export interface HttpFacts {
  /** With query. */
  readonly url: string;
  readonly protocol: string;
  /** Host that the client asked for, without port. */
  readonly hostname: string;
  readonly port: number | null;
  /** Address of the client, behind a trusted proxy as that tells it. */
  readonly ip: string;
  readonly headers: { readonly "user-agent"?: string | undefined };
  readonly raw: {
    readonly httpVersion: string;
    readonly socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined };
  };
}

/** Methods that the conventions know; every other one is `_OTHER`, for a client may make up as many as it likes. */
const methods: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"],
]);
/** Parameters of a query whose values are credentials. */
const secretParameters = /^(x-)?(api[-_]?)?key$|token|secret|sig(nature)?$|password|credential|authorization/i;

/** Name of a server's span: method and route. A path that no route matches is not in it, for names take few values. */
export function nameOf(method: string, route: string): string {
  const verb = methods.has(method) ? method : "HTTP";
  return route === "unknown" ? verb : `${verb} ${route}`;
}

/** What the conventions want of a server's span. */
export function httpAttributes(http: HttpFacts, method: string): SpanAttributes {
  const { protocol, port, ip, headers, raw } = http;
  // A client may name scheme and host in the request line as well, and an IPv6 address stands in brackets in a URL only.
  const url = http.url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*(?=(.?))/i, (_, next: string) =>
    next === "/" ? "" : "/",
  );
  const hostname = http.hostname.replace(/^\[(.*)\]$/, "$1");
  const mark = url.indexOf("?");
  const isKnown = methods.has(method);
  return {
    [attribute.httpMethod]: isKnown ? method : "_OTHER",
    [attribute.httpMethodOriginal]: isKnown ? undefined : method,
    [attribute.urlPath]: scrub(mark < 0 ? url : url.slice(0, mark)),
    [attribute.urlQuery]: mark < 0 || mark === url.length - 1 ? undefined : harmless(url.slice(mark + 1)),
    [attribute.urlScheme]: protocol,
    [attribute.serverAddress]: hostname || undefined,
    [attribute.serverPort]: hostname ? (port ?? (protocol === "https" ? 443 : 80)) : undefined,
    [attribute.clientAddress]: ip,
    [attribute.peerAddress]: raw.socket.remoteAddress,
    [attribute.peerPort]: raw.socket.remotePort,
    [attribute.protocolVersion]: raw.httpVersion,
    [attribute.userAgent]: headers["user-agent"],
  };
}

/** A query without what looks like a credential, or is called like one. */
function harmless(query: string): string {
  const pairs = query.split("&").map((pair) => {
    const at = pair.indexOf("=");
    return at > 0 && secretParameters.test(pair.slice(0, at)) ? `${pair.slice(0, at)}=REDACTED` : pair;
  });
  return scrub(pairs.join("&"));
}
