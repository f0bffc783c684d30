import { errors } from "undici";
import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";

/** Every way in which a call to an upstream can fail before HTTP itself has said anything. */
export const faultKinds = [
  "dns",
  "connect_refused",
  "connect_timeout",
  "connect_wait",
  "no_descriptor",
  "proxy",
  "tls",
  "headers_timeout",
  "first_token_timeout",
  "chunk_timeout",
  "body_timeout",
  "socket_closed",
  "protocol",
  "too_large",
  "aborted",
  "shutting_down",
  "internal",
] as const;

/** A kind of fault. */
export type FaultKind = (typeof faultKinds)[number];

/** What the platform makes of a kind of fault. */
export interface FaultEntry {
  /** Code of the catalogue. */
  readonly code: ErrorCode;
  /** For the client: fixed, without hosts, addresses or what the upstream said. */
  readonly message: string;
  /** True: another candidate may be tried (if nothing has reached the client). */
  readonly failover: boolean;
  /** True: the upstream is to blame, and its breaker may count it. */
  readonly upstreamAtFault: boolean;
}

/** Total over the kinds: a new kind does not compile until it is described here. */
export const faultTable: Readonly<Record<FaultKind, FaultEntry>> = {
  dns: entry("upstream_error", "The upstream's address could not be resolved.", "upstream"),
  connect_refused: entry("upstream_error", "The upstream refused the connection.", "upstream"),
  connect_timeout: entry("upstream_timeout", "The connection to the upstream was not made in time.", "upstream"),
  connect_wait: entry("upstream_timeout", "No connection to the upstream became free in time.", "ours"),
  no_descriptor: entry("service_unavailable", "The platform has as many connections open as it may have.", "ours"),
  proxy: entry("upstream_error", "The proxy on the way to the upstream did not let the request through.", "upstream"),
  tls: entry("upstream_error", "The secure connection to the upstream could not be made.", "upstream"),
  headers_timeout: entry("upstream_timeout", "The upstream did not begin to answer in time.", "upstream"),
  first_token_timeout: entry("upstream_timeout", "The upstream sent no content of its answer in time.", "upstream"),
  chunk_timeout: entry("upstream_timeout", "The upstream fell silent in the middle of its answer.", "upstream"),
  body_timeout: entry("upstream_timeout", "The upstream did not send its whole answer in time.", "upstream"),
  socket_closed: entry(
    "upstream_error",
    "The upstream closed the connection before its answer was complete.",
    "upstream",
  ),
  protocol: entry("upstream_error", "The upstream's answer is not valid HTTP.", "upstream"),
  too_large: entry("upstream_error", "The upstream's answer is larger than the platform accepts.", "upstream"),
  aborted: entry("client_closed_request", "The request was cancelled.", "caller"),
  shutting_down: entry("service_unavailable", "This part of the platform is shutting down.", "caller"),
  internal: entry("internal_error", "An internal error occurred.", "caller"),
};

function entry(code: ErrorCode, message: string, blame: "upstream" | "ours" | "caller"): FaultEntry {
  return { code, message, failover: blame !== "caller", upstreamAtFault: blame === "upstream" };
}

/** One failed call to an upstream. */
export interface UpstreamFault {
  readonly kind: FaultKind;
  /** False: it is certain that no byte of the request was written, so the upstream can have done no work for it. */
  readonly sent: boolean;
  /** True: the response head had arrived. */
  readonly headSeen: boolean;
  /** The system's or HTTP library's code, e.g. "ECONNRESET", for logs; empty if there is none. Never a host or a message. */
  readonly detail: string;
}

/** The platform's error for a fault. */
export function faultError(fault: UpstreamFault): ThroughlineError {
  const { code, message } = faultTable[fault.kind];
  return new ThroughlineError(code, message);
}

/** Why no connection could be made. It carries the system's code, but not the system's message, which names the host. */
export class ConnectFault extends Error {
  readonly kind: FaultKind;
  readonly detail: string;
  constructor(kind: FaultKind, detail: string) {
    super(kind);
    this.kind = kind;
    this.detail = detail;
  }
}

/** A code in the manner of Node's and undici's errors; empty where the error has none. */
export function codeOf(error: unknown): string {
  const code: unknown = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  // OpenSSL writes some of its own with a slash.
  return typeof code === "string" && /^[A-Z0-9_/]{1,64}$/.test(code) ? code.replaceAll("/", "_") : "";
}

/** Classifies a failed connection attempt. `proxied`: a proxy was to make the connection. */
export function connectFault(error: Error, { secure, proxied }: { secure: boolean; proxied: boolean }): ConnectFault {
  const code = codeOf(error);
  if (spent.has(code)) return new ConnectFault("no_descriptor", code);
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") return new ConnectFault("connect_timeout", code);
  const syscall: unknown = "syscall" in error ? error.syscall : "";
  // Several addresses of one name fail together as an AggregateError, which has no syscall.
  const connecting = syscall === "connect" || error instanceof AggregateError;
  const resolving = syscall === "getaddrinfo" || code === "ENOTFOUND" || code.startsWith("EAI_");
  if (proxied) return connecting || resolving || !isOfTls(code) ? proxyFault(error) : new ConnectFault("tls", code);
  if (resolving) return new ConnectFault("dns", code);
  return new ConnectFault(connecting || !secure ? "connect_refused" : "tls", code);
}

/** A proxy that refused: the status that it answered with, as its code. */
function proxyFault(error: Error): ConnectFault {
  const status = /\((\d{3})\)/.exec(error.message)?.[1];
  return new ConnectFault("proxy", status === undefined ? codeOf(error) : `PROXY_${status}`);
}

/** This process or machine has no descriptor or buffer left; the upstream was not even asked. */
const spent: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS"]);

/** Codes of OpenSSL's checks and of Node's TLS. */
function isOfTls(code: string): boolean {
  return /^(ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA$|HOSTNAME_MISMATCH$|PATH_LENGTH_|INVALID_PURPOSE$)/.test(
    code,
  );
}

const kindOfCode: Readonly<Record<string, FaultKind>> = {
  // The HTTP library reads its parser's file at the first connection.
  EMFILE: "no_descriptor",
  ENFILE: "no_descriptor",
  UND_ERR_SOCKET: "socket_closed",
  UND_ERR_INFO: "socket_closed",
  ECONNRESET: "socket_closed",
  EPIPE: "socket_closed",
  ECONNABORTED: "socket_closed",
  ETIMEDOUT: "socket_closed",
  EHOSTUNREACH: "socket_closed",
  ENETUNREACH: "socket_closed",
  ENETDOWN: "socket_closed",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "socket_closed",
  UND_ERR_HEADERS_OVERFLOW: "protocol",
  UND_ERR_HEADERS_TIMEOUT: "headers_timeout",
  UND_ERR_BODY_TIMEOUT: "chunk_timeout",
  UND_ERR_DESTROYED: "shutting_down",
  UND_ERR_CLOSED: "shutting_down",
  UND_ERR_ABORTED: "aborted",
};

/** Classifies what undici reports for a request. */
export function faultOf(error: unknown, sent: boolean, headSeen: boolean): UpstreamFault {
  if (error instanceof ConnectFault) return { kind: error.kind, sent, headSeen, detail: error.detail };
  if (error instanceof errors.HTTPParserError) {
    // Its code is missing in undici 8.12; the end of the socket inside a body is told apart by its reason alone.
    const cut = error.message.includes("Invalid EOF state");
    return { kind: cut ? "socket_closed" : "protocol", sent, headSeen, detail: "HTTP_PARSER" };
  }
  if (error instanceof errors.InvalidArgumentError && error.message.startsWith("Proxy Authentication Required")) {
    return { kind: "proxy", sent, headSeen, detail: "PROXY_407" };
  }
  const detail = codeOf(error);
  return { kind: kindOfCode[detail] ?? (isOfTls(detail) ? "tls" : "internal"), sent, headSeen, detail };
}
