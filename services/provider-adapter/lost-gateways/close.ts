import type { ClosingEnding, ClosingRequest } from "../../../shared/closing/index.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import { StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { LaneCall } from "../../../shared/rpc/index.ts";

/** An answer larger than this is not kept for the record of a lost gateway: thousands may wait for their acknowledgement. */
const maxKeptBytes = 64 * 1024;

/** What is kept of a request until its gateway has acknowledged the outcome. */
export interface Unacknowledged {
  readonly request: ClosingRequest;
  readonly outcome: Outcome;
  /** W3C trace context of the gateway's span. */
  readonly traceparent: string;
  /** Microseconds from the arrival at the gateway to the outcome. */
  readonly durationUs: bigint;
  /** The answer as one JSON document; empty: none was kept. */
  readonly response: Uint8Array;
  readonly responseTruncated: boolean;
}

/** What is to be kept of a call; undefined: its gateway wants nothing to be kept. The body of the request is not. */
export function unacknowledged(
  { item, requestId, traceparent }: LaneCall<InvokeItem>,
  outcome: Outcome,
  whole: Uint8Array | undefined,
  durationUs: number,
): Unacknowledged | undefined {
  const { facts } = item;
  if (facts === undefined) return undefined;
  const document = outcome.response.length > 0 ? outcome.response : whole;
  const answer = item.storeResponse === StoreResponse.NONE ? undefined : document;
  const kept = answer !== undefined && answer.length <= maxKeptBytes;
  return {
    request: {
      requestId,
      facts,
      dialect: item.dialect,
      module: item.module,
      requestedModel: item.model,
      stream: item.stream,
      storeResponse: item.storeResponse,
      candidates: item.candidates,
    },
    outcome: outcome.response.length <= maxKeptBytes ? outcome : { ...outcome, response: new Uint8Array() },
    traceparent,
    durationUs: BigInt(durationUs),
    response: kept ? answer : new Uint8Array(),
    responseTruncated: outcome.responseTruncated || (answer !== undefined && !kept),
  };
}

/**
 * How the request ended, as far as it is known here: what the provider passed on may have reached the client or not. An
 * answer that was passed on whole counts as given; one that was stopped with its gateway, as left in the middle.
 */
export function endingOf({ outcome }: Unacknowledged): ClosingEnding {
  return {
    outcome,
    error: outcome.error === undefined ? undefined : fromWireError(outcome.error),
    gone: outcome.cancelled,
    lost: true,
    pieces: outcome.firstByte ? 1 : 0,
    channel: "",
    inputTokens: 0,
  };
}
