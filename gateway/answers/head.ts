import type { ServerResponse } from "node:http";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";

/** Puts the headers of a begun answer on the response. */
export function setHead(response: ServerResponse, head: Head, headers: Readonly<Record<string, string>>): void {
  if (head.upstreamRequestId !== "") response.setHeader("x-upstream-request-id", printable(head.upstreamRequestId));
  for (const name in headers) response.setHeader(name, headers[name] ?? "");
}

/** An upstream's text as a header value: Node refuses control and non-Latin-1 characters. */
export function printable(text: string): string {
  return (unprintable.test(text) ? text.replace(/[^\x20-\x7e]/g, "") : text).slice(0, 256);
}

const unprintable = /[^\x20-\x7e]/;
