import { tmpdir } from "node:os";
import { getHeapStatistics } from "node:v8";
import { ConfigError, type Env } from "../shared/config.ts";
import { listenHost, traceAddress } from "../shared/config-checks.ts";
import { declareEnv } from "../shared/config-declare.ts";
import { metricsPort } from "../shared/metrics-server.ts";
import type { RequestIdStyle } from "../shared/request-id.ts";
import { usableFolder } from "../shared/usable-folder.ts";
import { bodyMemoryOf, connectionsOf, descriptorLimit } from "./edge/capacity.ts";

const perMinute = { kind: "int", min: 0, max: 1_000_000_000 } as const;

/** The environment variables of the gateway. */
export const gatewayEnv = declareEnv({
  HOST: {
    kind: "string",
    default: "127.0.0.1",
    check: listenHost,
    description: "Address that the HTTP edge listens on.",
  },
  PORT: {
    kind: "int",
    default: 8080,
    min: 0,
    max: 65_535,
    description: "Port that the HTTP edge listens on; 0 picks a free one.",
  },
  METRICS_PORT: metricsPort,
  REQUEST_ID_STYLE: {
    kind: "choice",
    choices: ["decimal", "stamped"],
    default: "decimal",
    description: "Spelling of request IDs in headers and bodies; both are accepted wherever an ID is taken.",
  },
  TRUST_TRACEPARENT: {
    kind: "bool",
    default: false,
    description: "Continue the trace of an inbound traceparent; otherwise the trace ID follows from the request ID.",
  },
  TRUST_PROXY: {
    kind: "bool",
    default: false,
    description:
      "Take the caller's address from the end of X-Forwarded-For, with or without a port; only behind a proxy that sets it or adds to it.",
  },
  CORS_ORIGINS: {
    kind: "string",
    default: "",
    description:
      "Origins whose pages may call the API from a browser, by commas, such as https://app.example.com; * for all. A page that calls has a key that its user can read: give such keys little. Empty: none, and no answer speaks of it.",
  },
  UNKNOWN_KEYS_PER_MINUTE: {
    ...perMinute,
    default: 120,
    description:
      "Requests without a usable key that an address (IPv6: a /64) may send; beyond them 429. Keys that were good in the last hour are not held up. 0: no limit.",
  },
  FREE_REQUESTS_PER_MINUTE: {
    ...perMinute,
    default: 3_000,
    description:
      "Requests that cost nothing and that a key may send: models, records, count_tokens (which counts as five); beyond them 429. Administration keys have no limit. 0: no limit.",
  },
  INVALID_REQUESTS_PER_MINUTE: {
    ...perMinute,
    default: 600,
    description:
      "How many more of a key's requests may be invalid than are served; beyond them its requests get 429 before their body is read. 0: no limit.",
  },
  REFUSAL_RECORDS_PER_MINUTE: {
    ...perMinute,
    default: 60,
    description: "Refusals of a key that are recorded; others are logged and counted. 0: all are recorded.",
  },
  TRACE_UI_URL: {
    kind: "url",
    protocols: ["http", "https"],
    check: traceAddress,
    description: "Address of the trace viewer; `{trace_id}` is replaced, e.g. http://localhost:16686/trace/{trace_id}.",
  },
  TRACE_KEEP_RATIO: {
    kind: "number",
    default: 1,
    min: 0,
    max: 1,
    description:
      "Share of the traces that is kept of requests that neither failed nor were slow: the root span says which, and the collector of deploy/observability obeys. Records of the others give no link.",
  },
  TRACE_KEEP_SLOWER_THAN: {
    kind: "duration",
    default: 10_000,
    min: 0,
    max: 86_400_000,
    description: "Requests that take at least so long are slow: their traces are kept whatever TRACE_KEEP_RATIO says.",
  },
  REQUEST_TIMEOUT_MS: {
    kind: "duration",
    default: 900_000,
    min: 1_000,
    max: 86_400_000,
    description: "Longest time that a request may take in all.",
  },
  DRAIN_TIMEOUT_MS: {
    kind: "duration",
    default: 120_000,
    min: 0,
    max: 86_400_000,
    description: "Longest time to read on after a client left, for accounts whose disconnect policy is drain.",
  },
  SHUTDOWN_GRACE_MS: {
    kind: "duration",
    default: 30_000,
    min: 0,
    max: 86_400_000,
    description: "Longest time that a stopping process waits for running requests.",
  },
  RESERVATION_TTL_MS: {
    kind: "duration",
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    description: "Life of a reservation that nobody extends; a running request extends it three times in a life.",
  },
  KEY_CACHE_MS: {
    kind: "duration",
    default: 5_000,
    min: 0,
    max: 60_000,
    description: "How long the gateway remembers whose key it saw; paid requests are checked again by billing.",
  },
  SETTLE_BEFORE_END: {
    kind: "bool",
    default: false,
    description:
      "Give the client the end of its answer only when it is settled: then even an answer of a machine that loses power is charged. Costs a statement of the database, a few milliseconds, at the end of each answer.",
  },
  HEAD_TIMEOUT_MS: {
    kind: "duration",
    default: 15_000,
    min: 100,
    max: 120_000,
    description: "Time that a connection has to bring the whole head of a request; then it is closed.",
  },
  MAX_CONNECTIONS: {
    kind: "int",
    default: 0,
    min: 0,
    max: 1_000_000,
    description:
      "Most connections of clients; more are closed at once. 0: half of the descriptors that the process may open, at most 10,000.",
  },
  BODY_MEMORY_BYTES: {
    kind: "int",
    default: 0,
    min: 0,
    max: 1_099_511_627_776,
    description:
      "Most bytes of bodies that requests keep together; beyond them requests get 503. 0: a fifth of what V8 lets its heap become, which is half of the memory of the container or machine, at most 4 GiB.",
  },
  MAX_UPLOAD_AUDIO_BYTES: {
    kind: "int",
    default: 26 * 1024 * 1024,
    min: 1_024,
    max: 2_147_483_647,
    unit: "bytes",
    description: "Largest form with audio (transcriptions, translations); beyond it 413. Vendors take files of 25 MiB.",
  },
  MAX_UPLOAD_IMAGES_BYTES: {
    kind: "int",
    default: 64 * 1024 * 1024,
    min: 1_024,
    max: 2_147_483_647,
    unit: "bytes",
    description:
      "Largest form with images (edits of images); beyond it 413. Vendors take 16 images of less than 50 MB each.",
  },
  BATCH_PRICE_RATIO: {
    kind: "number",
    default: 1,
    min: 0,
    max: 100,
    description:
      "Price of a line of a batch, as a part of what the same request costs at once; 0.5 gives batches away at half the price.",
  },
  MAX_UPLOAD_FILES_BYTES: {
    kind: "int",
    default: 512 * 1024 * 1024,
    min: 1_024,
    max: 2_147_483_647,
    unit: "bytes",
    description: "Largest form of POST /v1/files; beyond it 413.",
  },
  SPOOL_BYTES: {
    kind: "int",
    default: 1024 * 1024 * 1024,
    min: 0,
    max: 1_099_511_627_776,
    unit: "bytes",
    description: "Most bytes of uploads that requests keep on disk together; beyond them requests get 503.",
  },
  SPOOL_DIR: {
    kind: "string",
    description:
      "Directory in which uploads beyond 1 MiB stand while their request runs, in files without a name; not set: the system's for temporary files. It belongs on a disk: what is in a tmpfs takes memory.",
  },
  LATER_TIMEOUT_MS: {
    kind: "duration",
    default: 600_000,
    min: 1_000,
    max: 86_400_000,
    description:
      "Longest time that a request may take that is answered later (Prefer: respond-async, background responses); then it is stopped and has expired.",
  },
  LOOKUP_WAIT: {
    kind: "duration",
    default: 2_000,
    min: 0,
    max: 10_000,
    description: "How long a lookup of a request waits for its record, where that may be on its way.",
  },
  PROCESSING_AFTER_MS: {
    kind: "duration",
    default: 300,
    min: 0,
    max: 86_400_000,
    description: "Requests that run longer than this show as processing in the history.",
  },
});

/** Configuration of the gateway. */
export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  /** Port of metrics and of the details of readiness; undefined: they are served beside the API. */
  readonly metricsPort: number | undefined;
  readonly idStyle: RequestIdStyle;
  readonly trustTraceparent: boolean;
  readonly trustProxy: boolean;
  /** Origins whose pages may call; "*": all. */
  readonly corsOrigins: readonly string[];
  readonly unknownKeysPerMinute: number;
  readonly freeRequestsPerMinute: number;
  readonly invalidRequestsPerMinute: number;
  readonly refusalRecordsPerMinute: number;
  readonly traceUiUrl: string | undefined;
  /** Share of the traces of good and quick requests that is kept, 0 to 1. */
  readonly traceKeepRatio: number;
  /** Requests that take as long are slow, and their traces are kept. */
  readonly traceKeepSlowerThanMs: number;
  readonly requestTimeoutMs: number;
  /** Longest time that a request may take that is answered later. */
  readonly laterTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly shutdownGraceMs: number;
  readonly headTimeoutMs: number;
  readonly maxConnections: number;
  readonly bodyMemoryBytes: number;
  /** Price of a line of a batch, as a part of what the same request costs at once. */
  readonly batchPriceRatio: number;
  /** Largest form of a kind, in bytes. */
  readonly maxUploadBytes: { readonly audio: number; readonly images: number; readonly files: number };
  /** Most bytes of uploads on disk. */
  readonly spoolBytes: number;
  /** Where they are. */
  readonly spoolDir: string;
  readonly keyCacheMs: number;
  readonly processingAfterMs: number;
  /** Time that a lookup waits for a record that may be on its way. */
  readonly lookupWaitMs: number;
  /** True: the end of every answer waits for its settlement. */
  readonly settleBeforeEnd: boolean;
  /** How often running reservations are extended. */
  readonly extendEveryMs: number;
  /** Time between two looks for what the configuration has changed; routing answers from memory while there is nothing new. */
  readonly configurationLookMs: number;
  /** Time that one call to a service may take before the answer began. */
  readonly callTimeoutMs: number;
  /** Time that one try to settle or record may take. */
  readonly finishTimeoutMs: number;
  /** Largest body, bytes. */
  readonly bodyLimitBytes: number;
  /** Time that a client has to send its request: 16 MB at about 1 Mbit/s. A form may take longer while it keeps its pace, and an answer. */
  readonly receiveTimeoutMs: number;
  /** Silence after which a stream gets a comment that keeps proxies from closing it. */
  readonly keepAliveMs: number;
  /** How long a client may leave its answer unread once its request is over; then its connection is cut. */
  readonly unreadMs: number;
}

/** Configuration from the environment. Throws ConfigError that names the variable. */
export function envToConfig(env: Env): GatewayConfig {
  const read = gatewayEnv.read(env);
  if (read.METRICS_PORT !== 0 && read.METRICS_PORT === read.PORT)
    throw new ConfigError("METRICS_PORT", "METRICS_PORT must be another port than PORT");
  return {
    host: read.HOST,
    port: read.PORT,
    metricsPort: read.METRICS_PORT || undefined,
    idStyle: read.REQUEST_ID_STYLE,
    trustTraceparent: read.TRUST_TRACEPARENT,
    trustProxy: read.TRUST_PROXY,
    corsOrigins: originsOf(read.CORS_ORIGINS),
    unknownKeysPerMinute: read.UNKNOWN_KEYS_PER_MINUTE,
    freeRequestsPerMinute: read.FREE_REQUESTS_PER_MINUTE,
    invalidRequestsPerMinute: read.INVALID_REQUESTS_PER_MINUTE,
    refusalRecordsPerMinute: read.REFUSAL_RECORDS_PER_MINUTE,
    traceUiUrl: read.TRACE_UI_URL,
    traceKeepRatio: read.TRACE_KEEP_RATIO,
    traceKeepSlowerThanMs: read.TRACE_KEEP_SLOWER_THAN,
    requestTimeoutMs: read.REQUEST_TIMEOUT_MS,
    laterTimeoutMs: read.LATER_TIMEOUT_MS,
    drainTimeoutMs: read.DRAIN_TIMEOUT_MS,
    shutdownGraceMs: read.SHUTDOWN_GRACE_MS,
    headTimeoutMs: read.HEAD_TIMEOUT_MS,
    maxConnections: read.MAX_CONNECTIONS || connectionsOf(descriptorLimit()),
    bodyMemoryBytes: read.BODY_MEMORY_BYTES || bodyMemoryOf(getHeapStatistics().heap_size_limit),
    batchPriceRatio: read.BATCH_PRICE_RATIO,
    maxUploadBytes: {
      audio: read.MAX_UPLOAD_AUDIO_BYTES,
      images: read.MAX_UPLOAD_IMAGES_BYTES,
      files: read.MAX_UPLOAD_FILES_BYTES,
    },
    spoolBytes: read.SPOOL_BYTES,
    spoolDir: read.SPOOL_DIR === undefined ? tmpdir() : usableFolder("SPOOL_DIR", read.SPOOL_DIR, { make: false }),
    keyCacheMs: read.KEY_CACHE_MS,
    processingAfterMs: read.PROCESSING_AFTER_MS,
    lookupWaitMs: read.LOOKUP_WAIT,
    settleBeforeEnd: read.SETTLE_BEFORE_END,
    extendEveryMs: Math.max(100, Math.floor(read.RESERVATION_TTL_MS / 3)),
    configurationLookMs: 2_000,
    callTimeoutMs: 10_000,
    finishTimeoutMs: 15_000,
    bodyLimitBytes: 16 * 1024 * 1024,
    receiveTimeoutMs: 120_000,
    keepAliveMs: 15_000,
    unreadMs: 60_000,
  };
}

/** Origins as browsers send them. Throws ConfigError for what no browser sends. */
function originsOf(text: string): readonly string[] {
  const named = text.split(",").map((one) => one.trim());
  return named
    .filter((one) => one !== "")
    .map((one) => {
      if (one === "*" || (URL.canParse(one) && new URL(one).origin === one)) return one;
      throw new ConfigError(
        "CORS_ORIGINS",
        `CORS_ORIGINS: "${one.slice(0, 100)}" is no origin such as https://app.example.com`,
      );
    });
}
