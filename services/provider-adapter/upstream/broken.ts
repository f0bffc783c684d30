import type { UpstreamFault } from "./faults.ts";
import type { Line } from "./line.ts";

/** What is known of the connection of a call that broke. */
export interface BrokenCall {
  readonly line: Line | undefined;
  /** The request may not be written twice. */
  readonly once: boolean;
  /** What the connection had read when the request was written. */
  readonly readBefore: number;
  /** It broke within the time in which a kept connection shows that it was dead already. */
  readonly soon: boolean;
}

/** Some upstreams close the connection of a client that shows no certificate, and say nothing. */
export function explained(fault: UpstreamFault, line: Line | undefined): UpstreamFault {
  if (fault.kind !== "socket_closed" || fault.headSeen || line?.certificateWanted !== true) return fault;
  return line.bytesRead === 0 ? { ...fault, kind: "tls", detail: "CLIENT_CERTIFICATE_WANTED" } : fault;
}

/**
 * Whether a call may be sent again, once. First, where nothing was written: undici calls `onRequestStart` synchronously
 * before it writes the first byte to a socket, and queues the request until then. That happens when the upstream resets an
 * idle socket while undici waits a turn of the event loop to see whether that socket still lives. Second, where a connection
 * that had served before breaks soon and without a byte of an answer: the upstream had closed it already, and its word of
 * that and the request crossed on the way. A new connection is not excused so.
 */
export function wasStale(
  { kind, sent, headSeen }: UpstreamFault,
  { line, once, readBefore, soon }: BrokenCall,
): boolean {
  if (kind !== "socket_closed") return false;
  if (!sent) return true;
  if (once || headSeen || line === undefined || readBefore === 0) return false;
  return soon && line.bytesRead === readBefore;
}
