import { cutText, shorten } from "../shorten.ts";
import { type CatalogueEntry, catalogue, type ErrorCode } from "./catalogue.ts";

/** Longest message, in characters. Messages and paths name what clients made up, and are kept on records. */
const maxMessageLength = 2_000;
/** Longest path of a parameter and longest ID of an upstream, in characters. */
const maxNameLength = 256;

/** What an error may say beside its code and message. */
export interface ErrorOptions {
  /** Path of the offending parameter, e.g. `messages[2].content`. */
  readonly param?: string | undefined;
  /** Milliseconds after which a retry may succeed; overrides the catalogue's. */
  readonly retryAfterMs?: number | undefined;
  /** Request ID the upstream gave, if any. */
  readonly upstreamRequestId?: string | undefined;
  /** HTTP headers that belong to the answer (`x-ratelimit-*` and the like), lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** HTTP status where it differs from the catalogue's: 429 for an `insufficient_quota` that will renew. */
  readonly httpStatus?: number | undefined;
  /** What caused it: for logs, never sent. */
  readonly cause?: unknown;
}

/**
 * The one error of the platform: a code of the catalogue and a message fit for the client (plain English, no secrets,
 * no upstream hosts). Everything that is raised, travels over a lane or answers an HTTP request is one of these.
 */
export class ThroughlineError extends Error {
  override readonly name = "ThroughlineError";
  /** Code of the catalogue. */
  readonly code: ErrorCode;
  /** HTTP status of the answer. */
  readonly httpStatus: number;
  /** Path of the offending parameter, if one offends. */
  readonly param: string | undefined;
  /** Milliseconds after which a retry may succeed, if the raiser or the catalogue says. */
  readonly retryAfterMs: number | undefined;
  /** Request ID the upstream gave, if any. */
  readonly upstreamRequestId: string | undefined;
  /** HTTP headers that belong to the answer, lower-case names. */
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(cutText(message, maxMessageLength), options.cause === undefined ? undefined : { cause: options.cause });
    const entry = catalogue[code];
    this.code = code;
    this.httpStatus = options.httpStatus ?? entry.httpStatus;
    this.param = options.param === undefined ? undefined : shorten(options.param, maxNameLength);
    this.retryAfterMs = options.retryAfterMs ?? entry.retryAfterMs;
    const { upstreamRequestId } = options;
    this.upstreamRequestId = upstreamRequestId === undefined ? undefined : shorten(upstreamRequestId, maxNameLength);
    this.headers = options.headers;
  }

  /** The catalogue's entry of the code. */
  get entry(): CatalogueEntry {
    return catalogue[this.code];
  }

  /** True: the same request may succeed later. A status of 429 always may. */
  get retryable(): boolean {
    return this.entry.retryable || this.httpStatus === 429;
  }

  /**
   * Makes one of whatever was thrown. One of ours is returned as it is; a socket's error becomes `service_unavailable`;
   * anything else becomes `internal_error`. The messages are fixed: what was thrown is kept as the unsent cause.
   */
  static from(unknown: unknown): ThroughlineError {
    if (unknown instanceof ThroughlineError) return unknown;
    if (isConnectionFault(unknown)) {
      return new ThroughlineError("service_unavailable", "A part of the platform could not be reached.", {
        cause: unknown,
      });
    }
    return new ThroughlineError("internal_error", internalErrorMessage, { cause: unknown });
  }
}

/** What a client reads of a fault of ours: never more than this. */
export const internalErrorMessage = "An internal error occurred.";

/** System and undici codes that mean "the peer could not be reached or went away". The one place that classifies them. */
const connectionFaults: ReadonlySet<string> = new Set([
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EMFILE",
  "ENETDOWN",
  "ENETUNREACH",
  "ENFILE",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "ERR_SOCKET_CLOSED",
  "ERR_SOCKET_CONNECTION_TIMEOUT",
  "ERR_STREAM_PREMATURE_CLOSE",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** Deepest chain of causes that is looked through: fetch and node's happy-eyeballs wrap a socket error twice. */
const maxCauseDepth = 8;

/** Whether an error, or what caused it, is a socket's. */
export function isConnectionFault(unknown: unknown, depth = 0): boolean {
  if (!(unknown instanceof Error) || depth > maxCauseDepth) return false;
  const code: unknown = Reflect.get(unknown, "code");
  if (typeof code === "string" && connectionFaults.has(code)) return true;
  if (unknown instanceof AggregateError && unknown.errors.some((error) => isConnectionFault(error, depth + 1))) {
    return true;
  }
  return isConnectionFault(unknown.cause, depth + 1);
}
