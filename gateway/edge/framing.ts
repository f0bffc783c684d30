import type { IncomingMessage } from "node:http";
import { ThroughlineError } from "../../shared/errors/error.ts";

/**
 * What two readers of one head could take for different requests, and Node takes: several Host headers, of which it
 * keeps the first (RFC 9112, section 3.2), and a transfer coding besides chunked, which it passes over (section 6.1).
 */
export function framingFault({ headers, rawHeaders }: IncomingMessage): ThroughlineError | undefined {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    const message = "The only transfer coding that is served is 'chunked'.";
    return new ThroughlineError("not_implemented", message, { param: "Transfer-Encoding" });
  }
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === hostLength && name.toLowerCase() === "host") hosts += 1;
  }
  if (hosts <= 1) return undefined;
  return new ThroughlineError("invalid_value", "The request has more than one Host header.", { param: "Host" });
}

const hostLength = 4;
