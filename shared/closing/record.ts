import { encoderOf } from "../codec/lanes.ts";
import type { ThroughlineError } from "../errors/error.ts";
import { createDetail, createRecord, createTimelineEvent } from "../gen/lane_codecs.ts";
import type { Settlement } from "../gen/throughline/billing/v1/billing_pb.ts";
import {
  type Detail,
  DetailSchema,
  type Record,
  RecordStatus,
  type TimelineEvent,
} from "../gen/throughline/history/v1/history_pb.ts";
import { traceIdOf } from "../request-id.ts";
import type { ClosingDetail, ClosingEnding, ClosingRequest } from "./request.ts";
import { failureOf, servedBy, usageOf } from "./settlement.ts";

/** What every record of a request says, whatever became of it. */
export function baseRecord(request: ClosingRequest): Record {
  const { facts } = request;
  const record = createRecord({});
  record.requestId = request.requestId;
  record.accountId = facts.accountId;
  record.keyId = facts.keyId;
  record.userId = facts.userId;
  record.fromAppserver = facts.fromAppserver;
  record.module = request.module;
  // Without a route there is no model: what clients make up must not become something that history keeps for ever.
  record.model = facts.model;
  record.requestedModel = request.requestedModel;
  record.dialect = request.dialect;
  record.stream = request.stream;
  record.createdUnixUs = facts.createdUnixUs;
  record.updatedUnixUs = BigInt(Date.now()) * 1_000n;
  record.storeResponse = request.storeResponse;
  record.policy = facts.policy;
  record.reservedNanoUsd = facts.reservedNanoUsd;
  record.endUser = facts.endUser;
  record.tags = facts.tags;
  record.aliases = aliasesOf(request);
  return record;
}

const none: string[] = [];

/** IDs that the request's own does not tell. Most requests have none, and a list is made for those that have. */
function aliasesOf({ requestId, facts }: ClosingRequest): string[] {
  const { clientRequestId, traceId, origin } = facts;
  const computed = traceId === "" || traceId === traceIdOf(requestId);
  const second = origin?.secondClientRequestId ?? "";
  const trace = origin?.clientTraceId ?? "";
  const key = origin?.idempotencyKey ?? "";
  if (computed && clientRequestId === "" && second === "" && trace === "" && key === "") return none;
  return [computed ? "" : traceId, clientRequestId, second, trace, key].filter((text) => text !== "");
}

/** The record of a request that has ended and is settled. */
export function finalRecord(
  request: ClosingRequest,
  ending: ClosingEnding,
  said: ClosingDetail,
  settlement: Pick<Settlement, "billedNanoUsd" | "reason" | "listPriceNanoUsd">,
): Record {
  const final = baseRecord(request);
  const failed = failureOf(ending);
  const candidate = servedBy(request, ending);
  const { outcome } = ending;
  const attempt = outcome?.attempts.at(-1);
  final.status = failed === undefined ? RecordStatus.SUCCEEDED : RecordStatus.FAILED;
  if (failed === undefined) final.httpStatus = 200;
  else noteFailure(final, failed);
  final.platform = attempt?.platform ?? candidate?.platform ?? "";
  final.channel = attempt?.channel ?? candidate?.channel ?? "";
  final.strategy = candidate?.pricing?.strategy ?? "";
  final.customResponseExpression = candidate?.customResponseExpression ?? "";
  final.attemptId = attempt?.attemptId ?? 0n;
  final.upstreamRequestId = attempt?.upstreamRequestId ?? "";
  final.usage = usageOf(ending);
  if (candidate?.pricing !== undefined) final.pricing = candidate.pricing;
  final.billedNanoUsd = settlement.billedNanoUsd;
  final.billingReason = settlement.reason;
  final.durationUs = said.durationUs;
  final.firstByteUs = said.firstByteUs;
  final.messageId = outcome?.messageId ?? "";
  final.response = said.response;
  final.responseTruncated = said.responseTruncated;
  const detail = detailOf(request, ending, said);
  if (settlement.listPriceNanoUsd !== undefined) detail.listPriceNanoUsd = settlement.listPriceNanoUsd;
  noteDetail(final, detail);
  return final;
}

/** Puts a failure on a record. */
export function noteFailure(record: Record, error: ThroughlineError): void {
  record.errorCode = error.code;
  record.errorMessage = error.message;
  record.httpStatus = error.httpStatus;
}

const encodeDetail = encoderOf(DetailSchema);

/**
 * Puts on a record what else is known. It goes encoded, for history only keeps it: nobody on the way has to read and write it
 * again. What cannot be encoded goes as it is, and history sees what it can keep of the record.
 */
export function noteDetail(record: Record, detail: Detail): void {
  try {
    record.detailBytes = encodeDetail(detail);
  } catch {
    record.detail = detail;
  }
}

/** What else is known of a request. */
export function detailOf(
  { facts }: ClosingRequest,
  ending: ClosingEnding | undefined,
  said: Pick<ClosingDetail, "timeline" | "firstByteUs" | "notes" | "traceDropped">,
): Detail {
  const outcome = ending?.outcome;
  const timeline = said.timeline.slice();
  noteStep(timeline, "upstream_sent", outcome?.timings?.upstreamSentUs);
  noteStep(timeline, "first_byte", said.firstByteUs);
  const built = createDetail({});
  built.attempts = outcome?.attempts ?? [];
  built.reasons = facts.reasons;
  built.timeline = timeline;
  built.traceId = facts.traceId;
  built.clientRequestId = facts.clientRequestId;
  built.traceDropped = said.traceDropped ?? false;
  built.finishReason = outcome?.finishReason ?? "";
  built.responseModel = outcome?.responseModel ?? "";
  const notes = outcome?.notes ?? [];
  if (facts.origin !== undefined) built.origin = facts.origin;
  built.notes = said.notes.length === 0 ? notes : [...notes, ...said.notes];
  return built;
}

/** Puts a step where it belongs among those that are in order: behind those of its time. */
function noteStep(timeline: TimelineEvent[], name: string, atUs: bigint | undefined): void {
  if (atUs === undefined || atUs === 0n) return;
  let place = timeline.length;
  while (place > 0 && (timeline[place - 1]?.atUs ?? 0n) > atUs) place -= 1;
  const step = createTimelineEvent({ name, atUs });
  if (place === timeline.length) timeline.push(step);
  else timeline.splice(place, 0, step);
}
