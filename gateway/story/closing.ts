import { baseRecord, type ClosingEnding, type ClosingRequest, detailOf } from "../../shared/closing/index.ts";
import { createRequestFacts, createTimelineEvent } from "../../shared/gen/lane_codecs.ts";
import { KeyKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import {
  type Detail,
  type Record,
  RecordStatus,
  type TimelineEvent,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { GatewayContext } from "../context.ts";
import type { Ask, Asked } from "./ask.ts";
import { isStream } from "./demand.ts";
import type { Ending } from "./ending.ts";
import type { Incoming } from "./incoming.ts";
import { traceDropped } from "./keep-trace.ts";

/** A request as its settlement and its records see it; without a route where it was refused before it had one. */
export function closingRequest(ask: Asked, route: Route | undefined, reservedNanoUsd: bigint): ClosingRequest {
  const { incoming, principal, labels } = ask;
  const facts = createRequestFacts({});
  facts.accountId = principal.accountId;
  facts.keyId = principal.keyId;
  facts.fromAppserver = principal.kind === KeyKind.SERVER;
  facts.endUser = endUserOf(ask);
  // A back end says whose request it sends: it is that user's then, as one with the user's own key.
  facts.userId = facts.fromAppserver ? labels.endUser : principal.userId;
  facts.tags = labels.tags as string[];
  facts.group = principal.group;
  facts.policy = principal.disconnectPolicy;
  facts.model = route?.model ?? "";
  facts.createdUnixUs = incoming.arrivedUnixUs;
  facts.reservedNanoUsd = reservedNanoUsd;
  facts.traceId = incoming.span.traceId;
  facts.clientRequestId = incoming.clientRequestId;
  facts.reasons = route?.reasons ?? [];
  const { metadataJson } = labels;
  facts.origin = metadataJson === incoming.origin.metadataJson ? incoming.origin : { ...incoming.origin, metadataJson };
  return {
    requestId: incoming.id,
    facts,
    dialect: ask.dialect,
    module: ask.module,
    requestedModel: ask.demand.model,
    stream: isStream(ask.demand.answer),
    storeResponse: ask.storeResponse,
    candidates: route?.candidates ?? [],
  };
}

/** For whom it is: a user's own key says so for certain, of others the request does. Empty: not said. */
export function endUserOf({ principal, labels }: Pick<Asked, "principal" | "labels">): string {
  return principal.userId || labels.endUser;
}

/** The record of a request that still runs. */
export function processingRecord(request: ClosingRequest): Record {
  const record = baseRecord(request);
  record.status = RecordStatus.PROCESSING;
  return record;
}

/** How it ended, as settlement and record see it. */
export function closingEnding(ask: Ask, { outcome, error, gone, frames }: Ending): ClosingEnding {
  const channel = ask.incoming.served?.channel ?? "";
  return { outcome, error, gone, lost: false, pieces: frames, channel, inputTokens: ask.demand.needs.inputTokens };
}

/** The steps of a request so far. */
export function timelineOf({ timeline }: Incoming): TimelineEvent[] {
  return timeline.map(createTimelineEvent);
}

/** What is known of a request that was never asked of an upstream. */
export function plainDetail(
  { config }: GatewayContext,
  request: ClosingRequest,
  incoming: Incoming,
  { errorCode, notes = [] }: { readonly errorCode?: string; readonly notes?: readonly string[] },
): Detail {
  const dropped = traceDropped(config, incoming, errorCode);
  return detailOf(request, undefined, {
    ...{ timeline: timelineOf(incoming), firstByteUs: 0n, notes, traceDropped: dropped },
  });
}
