import type { IncomingMessage } from "node:http";
import { ThroughlineError } from "../../shared/errors/error.ts";

/**
 * What two readers of one head could take for different requests, and Node takes: several headers of a name that may be given
 * once, of which it keeps the first (RFC 9112, section 3.2; RFC 9110, section 5.3), and a transfer coding besides chunked, which it
 * passes over (RFC 9112, section 6.1).
 */
export function framingFault({ headers, rawHeaders }: IncomingMessage): ThroughlineError | undefined {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    const message = "The only transfer coding that is served is 'chunked'.";
    return new ThroughlineError("not_implemented", message, { param: "Transfer-Encoding" });
  }
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const single = singleByLength[name.length];
    if (single === undefined || name.toLowerCase() !== single.header.toLowerCase()) continue;
    if ((seen & single.bit) !== 0) {
      const { header } = single;
      return new ThroughlineError("invalid_value", `The request has more than one ${header} header.`, {
        param: header,
      });
    }
    seen |= single.bit;
  }
  return undefined;
}

/** Headers that are given once, by the length of their names: most other names are told apart by it. */
const singleByLength: Readonly<Record<number, { readonly header: string; readonly bit: number }>> = {
  4: { header: "Host", bit: 1 },
  12: { header: "Content-Type", bit: 2 },
  13: { header: "Authorization", bit: 4 },
};
