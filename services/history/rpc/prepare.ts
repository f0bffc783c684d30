import { toBinary } from "@bufbuild/protobuf";
import { fewAlike } from "../../../shared/few-alike.ts";
import { createUsage } from "../../../shared/gen/lane_codecs.ts";
import type { Pricing } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  DetailSchema,
  type Record as HistoryRecord,
  RecordSchema,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { memoFrozen } from "../../../shared/memo-frozen.ts";
import type { CustomResponse } from "../custom-response/custom-responses.ts";
import { labelsOf } from "../db/labels.ts";
import { packPayload } from "../db/payload.ts";
import type { EndedRow, UnfinishedRow } from "../db/put.ts";
import type { Terms } from "../db/terms.ts";
import { upstreamHash } from "../db/upstream-hash.ts";
import { keepAnswer, keepInput } from "../domain/answer.ts";
import { toFlags } from "../domain/flags.ts";
import { pricesText, toStoredPrices } from "../domain/prices.ts";
import { toStoredQuantities, toStoredTraits } from "../domain/quantities.ts";
import {
  maxLength,
  type Repairs,
  repairAmount,
  repairCount,
  repairSmall,
  repairText,
  storedName,
  storedUserId,
} from "../domain/repair.ts";
import type { Standing } from "../domain/standing.ts";
import { emptyShape, type Outcome, type Shape } from "../domain/terms.ts";
import { createdUnixUs, createdWithinMs } from "../domain/times.ts";

/** A record ready to be stored: all of it but the ids of its shared texts. */
export interface PreparedEnded {
  readonly kind: "ended";
  readonly standing: Standing;
  /** Texts that `toRow` needs the ids of. */
  readonly terms: readonly string[];
  readonly repaired: boolean;
  toRow(terms: Terms): EndedRow;
}

/** A running record ready to be stored. */
export interface PreparedUnfinished {
  readonly kind: "unfinished";
  readonly standing: Standing;
  /** Texts that `toRow` needs the ids of. */
  readonly terms: readonly string[];
  readonly repaired: boolean;
  toRow(terms: Terms): UnfinishedRow;
}

/** What preparing needs. */
export interface PrepareDeps {
  /** Most bytes of an answer that are kept. */
  readonly maxResponseBytes: number;
}

/** Prepares the record of a request that has ended. The record itself is left as it is: its sender may send it again. */
export async function prepareEnded(
  record: HistoryRecord,
  deps: PrepareDeps,
  custom?: CustomResponse,
): Promise<PreparedEnded> {
  const repairs: Repairs = { repaired: false };
  const name = (text: string): string => storedName(text, repairs);
  const keeping = keepAnswer(record, deps.maxResponseBytes, repairs);
  const kept = keeping instanceof Promise ? await keeping : keeping;
  const upstreamRequestId = name(record.upstreamRequestId);
  const packing = packPayload({
    detail: detailBytes(record, custom?.note),
    response: kept.response,
    customResponseJson: custom?.json ?? "",
    messageId: name(record.messageId),
    upstreamRequestId,
    input: keepInput(record, deps.maxResponseBytes),
  });
  const packed = packing instanceof Promise ? await packing : packing;
  const model = name(record.model);
  const requestedModel = name(record.requestedModel);
  const small = (value: number): number => repairSmall(value, repairs);
  const work = {
    model,
    platform: name(record.platform),
    channel: name(record.channel),
    strategy: name(record.strategy),
    dialect: name(record.dialect),
    module: small(record.module),
    policy: small(record.policy),
    store: small(record.storeResponse),
  } satisfies Work;
  const { pricing } = record;
  const prices = pricing !== undefined && Object.isFrozen(pricing) ? pricing : undefined;
  if (prices !== undefined && pricesText(prices).repaired) repairs.repaired = true;
  const shape =
    prices !== undefined
      ? shapesAt(prices)(work)
      : JSON.stringify({ ...work, prices: toStoredPrices(pricing, name) } satisfies Shape);
  const outcome = outcomeText({
    error: name(record.errorCode),
    reason: name(record.billingReason),
    http: small(record.httpStatus),
  });
  const usage = record.usage ?? nothing;
  const userId = storedUserId(record.userId, repairs);
  const errorMessage = repairText(record.errorMessage, maxLength.message, repairs);
  const within = createdWithinMs(record.requestId, record.createdUnixUs);
  const standing = standingOf(record);
  const amount = (value: bigint): bigint | null => (value === 0n ? null : repairAmount(value, repairs));
  const count = (value: bigint | undefined): bigint | null => repairCount(value ?? 0n, repairs);
  const row: EndedRow = {
    request_id: record.requestId,
    account_id: record.accountId,
    key_id: record.keyId,
    updated_us: standing.updatedUnixUs,
    attempt_id: count(record.attemptId),
    duration_us: count(record.durationUs),
    first_byte_us: count(record.firstByteUs),
    reserved_nano_usd: count(record.reservedNanoUsd),
    billed_nano_usd: count(record.billedNanoUsd),
    input_tokens: amount(usage.inputTokens),
    output_tokens: amount(usage.outputTokens),
    cached_input_tokens: amount(usage.cachedInputTokens),
    cache_write_tokens: amount(usage.cacheWriteTokens),
    reasoning_tokens: amount(usage.reasoningTokens),
    images: amount(usage.images),
    audio_ms: amount(usage.audioMs),
    characters: amount(usage.characters),
    upstream_hash: upstreamHash(upstreamRequestId),
    shape_id: 0,
    outcome_id: 0,
    payload_bytes: packed.bytes === 0 ? null : packed.bytes,
    created_us: within,
    status: record.status,
    flags: 0,
    user_id: orNull(userId),
    requested_model: requestedModel === model ? null : requestedModel,
    error_message: orNull(errorMessage),
    more: toStoredQuantities(usage.more, repairs),
    traits: toStoredTraits(usage.traits, repairs),
    body: packed.bytes === 0 ? null : packed.body,
    labels: labelsOf(record),
  };
  return {
    kind: "ended",
    standing,
    terms: [shape, outcome],
    repaired: repairs.repaired,
    toRow: (ids) => {
      row.shape_id = ids.idOf(shape);
      row.outcome_id = ids.idOf(outcome);
      row.flags = toFlags({
        stream: record.stream,
        fromAppserver: record.fromAppserver,
        reconstructed: record.reconstructed,
        estimated: usage.estimated,
        truncated: kept.truncated,
        repaired: repairs.repaired,
      });
      return row;
    },
  };
}

/** Most texts of one kind that are remembered. */
const maxRemembered = 32;

type Work = Omit<Shape, "prices">;

/** Texts of shapes with prices that cannot change. Those of one model and channel have the same text, which is made once. */
const shapesAt = memoFrozen((pricing: Pricing) =>
  fewAlike(
    maxRemembered,
    isSameWork,
    // Prices are the longest part: they have their text made once for all works, and put behind the rest.
    (work: Work) => `${JSON.stringify(work).slice(0, -1)},"prices":${pricesText(pricing).json}}`,
  ),
);

function isSameWork(one: Work, other: Work): boolean {
  return (
    one.model === other.model &&
    one.channel === other.channel &&
    one.platform === other.platform &&
    one.strategy === other.strategy &&
    one.dialect === other.dialect &&
    one.module === other.module &&
    one.policy === other.policy &&
    one.store === other.store
  );
}

const outcomeText = fewAlike(
  maxRemembered,
  (one: Outcome, other: Outcome) => one.http === other.http && one.reason === other.reason && one.error === other.error,
  (outcome) => JSON.stringify(outcome),
);

/** Prepares the record of a request that runs. */
export function prepareUnfinished(record: HistoryRecord): PreparedUnfinished {
  const repairs: Repairs = { repaired: false };
  const standing = standingOf(record);
  const row = {
    request_id: record.requestId,
    account_id: record.accountId,
    key_id: record.keyId,
    updated_us: standing.updatedUnixUs,
    created_us: createdWithinMs(record.requestId, record.createdUnixUs),
    status: record.status,
    from_appserver: record.fromAppserver,
    user_id: orNull(storedUserId(record.userId, repairs)),
    body: toBinary(RecordSchema, record),
    labels: labelsOf(record),
  };
  const shape = JSON.stringify({
    ...emptyShape,
    model: storedName(record.model, repairs),
    dialect: storedName(record.dialect, repairs),
    module: repairSmall(record.module, repairs),
  } satisfies Shape);
  return {
    kind: "unfinished",
    standing,
    terms: [shape],
    repaired: repairs.repaired,
    toRow: (ids) => ({ ...row, shape_id: ids.idOf(shape) }),
  };
}

/** What decides which record of a request stays. A record that does not say when it changed has not changed since its start. */
export function standingOf(record: HistoryRecord): Standing {
  const { requestId, status, reconstructed } = record;
  const created = createdUnixUs(requestId, createdWithinMs(requestId, record.createdUnixUs));
  return {
    requestId,
    status,
    reconstructed,
    updatedUnixUs: record.updatedUnixUs > 0n ? record.updatedUnixUs : created,
  };
}

/** What a record without a usage consumed. */
const nothing = createUsage({});

/** The details as they are stored. Encoding them again is spared where nothing is to be added. */
function detailBytes(record: HistoryRecord, note: string | undefined): Uint8Array {
  const own = record.detail === undefined ? record.detailBytes : toBinary(DetailSchema, record.detail);
  if (note === undefined) return own;
  // Fields of serialized messages add up, so a note is put behind what is there.
  const added = toBinary(DetailSchema, { $typeName: DetailSchema.typeName, ...emptyDetail, notes: [note] });
  return Buffer.concat([own, added]);
}

const emptyDetail = {
  attempts: [],
  reasons: [],
  timeline: [],
  traceId: "",
  clientRequestId: "",
  finishReason: "",
  responseModel: "",
  traceDropped: false,
};

function orNull(text: string): string | null {
  return text === "" ? null : text;
}
