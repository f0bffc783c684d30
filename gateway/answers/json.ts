import type { ServerResponse } from "node:http";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Answer } from "../story/ask.ts";
import { costOf } from "../view/cost.ts";
import { watchClient } from "./client-watch.ts";
import { costFieldsOf } from "./costs.ts";
import { setHead } from "./head.ts";

/** An answer of one body, JSON as a rule. It is sent at the end, so that a failure before then still has its own status. */
export function createJsonAnswer(response: ServerResponse): Answer {
  const watch = watchClient(response);
  const parts: Uint8Array[] = [];
  let head: { head: Head; headers: Readonly<Record<string, string>> } | undefined;
  let cost: Readonly<Record<string, string>> = {};
  return {
    isGone() {
      return watch.gone;
    },
    hasBegun: () => false,
    onGone: watch.onGone,
    begin(given, headers) {
      head = { head: given, headers };
    },
    write(data) {
      parts.push(data);
      return undefined;
    },
    letGo() {},
    costs(settlement) {
      cost = costFieldsOf(costOf(settlement));
    },
    end() {
      const body = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      if (head !== undefined) setHead(response, head.head, { ...head.headers, ...cost });
      response.setHeader("content-type", head?.head.contentType || "application/json");
      response.setHeader("content-length", body.length);
      response.writeHead(head?.head.httpStatus || 200);
      response.end(body);
    },
    fail() {
      response.destroy();
    },
  };
}
