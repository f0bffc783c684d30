import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Module, Origin } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Span } from "../../shared/telemetry/index.ts";

/** What is known of a paid request for its span, its log line and its counts. */
export interface Served {
  readonly dialect: string;
  /** Module name, e.g. "chat". */
  readonly module: string;
  /** Model as configured, once it is resolved. */
  model: string;
  readonly stream: boolean;
  channel?: string;
  upstreamRequestId?: string;
  firstByteMs?: number;
}

/** What the edge knows of a request from its first microsecond on. */
export interface Incoming {
  /** The platform's request ID. */
  readonly id: bigint;
  /** The ID as this deployment spells it. */
  readonly idText: string;
  /** Root span. */
  readonly span: Span;
  /** Arrival on the monotonic clock, milliseconds. */
  readonly arrivedMs: number;
  /** Arrival, Unix microseconds. */
  readonly arrivedUnixUs: bigint;
  /** The client's own x-request-id, else its x-client-request-id; empty: none. */
  readonly clientRequestId: string;
  /** Where it came from, for its record. */
  readonly origin: Origin;
  /** SHA-256 of the secret that the request bears, one character a byte; empty until it was read. */
  secretSha256: string;
  /** Who calls; absent until authenticated. */
  principal: Principal | undefined;
  /** Bytes that its body may take, or takes; counted until the answer has ended. */
  bodyBytes: number;
  /** Bytes of its form that have come; 0: it has none. */
  formBytes: number;
  /** What the endpoint serves, where it is a paid one. */
  endpoint: { readonly dialect: string; readonly module: Module } | undefined;
  /** Absent where no paid request was understood. */
  served: Served | undefined;
  /** Code of the error that the client got. */
  errorCode: string | undefined;
  /** True: its answer was given whole before its body had come; the connection closes. */
  closing: boolean;
  /** True: its trace is not kept; undefined: nobody has asked yet. */
  traceDropped: boolean | undefined;
  /** True: the story has taken over and sees to the record. */
  told: boolean;
  /** What happened when, microseconds since the arrival. */
  readonly timeline: { name: string; atUs: bigint }[];
}

/** Microseconds since the arrival of a request. */
export function elapsedUs(incoming: Incoming): bigint {
  return BigInt(Math.round((performance.now() - incoming.arrivedMs) * 1_000));
}

/** Notes a step of the request on its timeline. */
export function mark(incoming: Incoming, name: string): void {
  incoming.timeline.push({ name, atUs: elapsedUs(incoming) });
}

/** Notes what the head of a request could not say of where it came from. @param said.bytes of its body. */
export function noteOrigin(
  { origin }: Incoming,
  { idempotencyKey, bytes }: { readonly idempotencyKey: string; readonly bytes: number },
): void {
  origin.idempotencyKey = idempotencyKey;
  origin.requestBytes = BigInt(bytes);
}
