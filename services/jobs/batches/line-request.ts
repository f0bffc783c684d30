import { create, fromBinary } from "@bufbuild/protobuf";
import type { ClosingEnding, ClosingRequest } from "../../../shared/closing/index.ts";
import type { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import type {
  Candidate,
  Module,
  Pricing,
  StoreResponse,
  VendorBatch,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type BatchLine, BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import {
  type InvokeItem,
  OutcomeSchema,
  type RequestFacts,
  RequestFactsSchema,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { traceIdOf } from "../../../shared/request-id.ts";
import type { LineRow } from "../db/batch-lines.ts";
import type { BatchRow } from "../db/batch-row.ts";
import { type ErrorColumns, readKeptError } from "../db/kept-error.ts";

/** What is read of a line's row. */
export interface Line {
  readonly row: LineRow;
  readonly said: BatchLine;
  /** What it is run with; absent: it is not run. */
  readonly item: InvokeItem | undefined;
}

/** Reads a line. @param routes the items of its batch, by their numbers. */
export function readLine(row: LineRow, routes: ReadonlyMap<number, InvokeItem>): Line {
  const said = fromBinary(BatchLineSchema, row.said);
  const item = said.refusal === undefined ? routes.get(said.route) : undefined;
  return { row, said, item: row.by_vendor && item !== undefined ? atVendorPrice(item) : item };
}

/** What a vendor answered in a batch of its own is charged by the price of that. */
export function atVendorPrice(item: InvokeItem): InvokeItem {
  return { ...item, candidates: item.candidates.map(pricedAsBatch) };
}

function pricedAsBatch(candidate: Candidate): Candidate {
  const { batch, pricing } = candidate;
  if (batch === undefined || pricing === undefined) return candidate;
  return {
    ...candidate,
    pricing: { ...pricing, ...listedAsBatch(pricing, batch), groupRatioPpm: batch.groupRatioPpm },
  };
}

/** The list price of a line, too, is the vendor's for a batch. A route from before lists said so has the whole price. */
function listedAsBatch(
  pricing: Pricing,
  { listRatioPpm }: VendorBatch,
): Pick<Pricing, "isListPrice" | "listPricing"> | undefined {
  const { isListPrice, listPricing } = pricing;
  const list = isListPrice ? { ...pricing, isListPrice: false } : listPricing;
  if (list === undefined || listRatioPpm === 0) return undefined;
  return { isListPrice: false, listPricing: { ...list, groupRatioPpm: listRatioPpm } };
}

/** What is known of the batch of a line that was refused before it had a route. */
export type BatchFacts = Pick<BatchRow, "facts" | "module" | "store_response" | "endpoint">;

/** A line as its settlement and its record see it. */
export function lineRequest({ row, said, item }: Line, batch: BatchFacts, dialect: string): ClosingRequest {
  const facts: RequestFacts = {
    ...(item?.facts ?? fromBinary(RequestFactsSchema, batch.facts)),
    reservedNanoUsd: row.tries === 0 ? 0n : said.amountNanoUsd,
    traceId: traceIdOf(row.request_id),
  };
  if (item === undefined) facts.model = "";
  const { endUser, metadataJson } = said;
  // As of a request that came by itself: a user's own key says for certain whose it is, a back end says whom it asks for.
  if (facts.userId === "" || facts.fromAppserver) {
    if (endUser !== "") facts.endUser = endUser;
    if (facts.fromAppserver) facts.userId = facts.endUser;
  }
  if (facts.origin !== undefined) facts.origin = { ...facts.origin, metadataJson };
  return {
    requestId: row.request_id,
    facts,
    dialect: item?.dialect ?? dialect,
    module: item?.module ?? (batch.module as Module),
    requestedModel: item?.model ?? said.model,
    stream: false,
    storeResponse: item?.storeResponse ?? (batch.store_response as StoreResponse),
    candidates: item?.candidates ?? [],
  };
}

/** How a line ended, as its row says it. */
export function lineEnding({ row, said }: Line): ClosingEnding {
  const outcome = row.outcome === null ? create(OutcomeSchema) : fromBinary(OutcomeSchema, row.outcome);
  const error = lineError(row, said);
  return {
    outcome,
    error,
    gone: false,
    lost: false,
    // The client gets an answer that is whole, or none.
    pieces: error === undefined ? 1 : 0,
    channel: "",
    inputTokens: Number(said.estimatedInputTokens),
  };
}

/** Why a line failed; undefined: it did not. */
export function lineError(row: ErrorColumns, { refusal }: Pick<BatchLine, "refusal">): ThroughlineError | undefined {
  return refusal === undefined ? readKeptError(row) : fromWireError(refusal);
}
