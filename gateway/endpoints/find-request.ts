import { setTimeout as sleep } from "node:timers/promises";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { StoredRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { toParts, traceIdOf } from "../../shared/request-id.ts";
import type { GatewayContext } from "../context.ts";
import { requestOfItem } from "../domain/response-items.ts";
import type { Incoming } from "../story/incoming.ts";
import { requestOf } from "./chat/message-id.ts";
import type { Owner } from "./history-query.ts";

/** What an ID leads to. */
export type Found =
  | {
      readonly kind: "found";
      /** The newest that it leads to. */
      readonly record: StoredRecord;
      /** Other requests that it leads to, newest first. */
      readonly others: readonly bigint[];
      /** What the newest said; empty: it is not kept, or was not asked for. */
      readonly request: Uint8Array;
      readonly requestTruncated: boolean;
    }
  /** The platform may have issued this ID a moment ago: its record may be on its way. */
  | { readonly kind: "on_its_way"; readonly requestId: bigint }
  | { readonly kind: "unknown" };

/** A record follows its request within milliseconds, or, where its gateway died, within a minute. */
const onTheirWayMs = 60_000;
/** The clock of the gateway that issued an ID may be ahead of ours by so much. */
const skewMs = 5_000;
/** It is looked for again after this time, and then after twice the time before. */
const firstLookMs = 25;
const longestLookMs = 600;
/** Others' IDs, which tell no time whatever they look like, are looked for so much longer, in milliseconds. */
const foreignWaitMs = 175;

/** What IDs look like, for whoever has given one that leads nowhere. */
export const idForms =
  "An ID is a number (767212140985061376) or a time with letters (20250428022708abcdefgh); the ID of an answer (chatcmpl-..., " +
  "msg_..., resp_...), a job (job_...) or a trace (32 hex digits), an upstream's, and your own x-request-id or Idempotency-Key lead " +
  "to the request too. What costs nothing, such as a list of models, leaves no record.";

/** What is answered of an ID that leads nowhere, in the same words whether it is unknown, malformed or another owner's. */
export function unknownRequest(): ThroughlineError {
  return new ThroughlineError("not_found", `There is no such request. ${idForms}`);
}

/** After this time it is worth asking again for what is on its way. */
export const askAgainMs = 1_000;

/**
 * The request that a text names: an ID of ours in any spelling (of the request, its answer, an item of it, its job, its trace), one that an upstream
 * gave, or the client's own. What may be on its way is waited for, for up to two seconds. Whether it may be is told by the time in the ID
 * alone, so nobody learns from it whether another has it.
 */
export async function findRequest(
  context: Pick<GatewayContext, "history" | "config">,
  incoming: Incoming,
  owner: Owner,
  text: string,
  { withRequest = false }: { readonly withRequest?: boolean } = {},
): Promise<Found> {
  const requestId = requestOf(text) ?? requestOfItem(text) ?? requestOfTrace(text);
  const mayCome = requestId !== undefined && isRecent(requestId);
  const { lookupWaitMs } = context.config;
  let leftMs = mayCome ? lookupWaitMs : Math.min(foreignWaitMs, lookupWaitMs);
  /** When as much is left only the record of our own ID may still appear. */
  const ownAloneMs = Math.max(leftMs - foreignWaitMs, 0);
  let found = await look(context, incoming, owner, { requestId, text, withRequest });
  for (let afterMs = firstLookMs; leftMs > 0; afterMs = Math.min(2 * afterMs, longestLookMs)) {
    if (found.kind !== "unknown" || found.deleted) break;
    await sleep(Math.min(afterMs, leftMs));
    leftMs -= afterMs;
    found = await look(context, incoming, owner, {
      ...{ requestId: mayCome ? requestId : undefined, withRequest },
      text: leftMs >= ownAloneMs ? text : "",
    });
  }
  if (found.kind === "found") return found;
  return mayCome && !found.deleted ? { kind: "on_its_way", requestId } : { kind: "unknown" };
}

/** The request whose trace a text names; undefined: it names none that follows from a request's ID. */
export function requestOfTrace(text: string): bigint | undefined {
  if (!/^[0-9a-f]{32}$/.test(text)) return undefined;
  const requestId = BigInt(`0x${text.slice(0, 16)}`);
  return requestId > 0n && requestId < 1n << 63n && traceIdOf(requestId) === text ? requestId : undefined;
}

function isRecent(requestId: bigint): boolean {
  const ageMs = Date.now() - toParts(requestId).unixMs;
  return ageMs >= -skewMs && ageMs < onTheirWayMs;
}

type Looked = Extract<Found, { kind: "found" }> | { readonly kind: "unknown"; readonly deleted: boolean };

/** @param named.text empty: it is not looked for among others' IDs. */
async function look(
  { history, config }: Pick<GatewayContext, "history" | "config">,
  incoming: Incoming,
  owner: Owner,
  {
    requestId,
    text,
    withRequest,
  }: { readonly requestId: bigint | undefined; readonly text: string; readonly withRequest: boolean },
): Promise<Looked> {
  const options = { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: config.callTimeoutMs };
  // Another's ID may look like one of ours: where ours is not there it is looked for among theirs.
  const asked = [
    ...(requestId === undefined ? [] : [{ owner, requestId, tellsDeleted: true, withRequest }]),
    ...(text === "" ? [] : [{ owner, upstreamRequestId: text, alias: text, withRequest }]),
  ];
  let deleted = false;
  for (const one of asked) {
    try {
      const { record, others, request, requestTruncated } = await history.getRecord(one, options);
      if (record !== undefined) return { kind: "found", record, others, request, requestTruncated };
      deleted = true;
    } catch (error) {
      if (ThroughlineError.from(error).code !== "not_found") throw error;
    }
  }
  return { kind: "unknown", deleted };
}
