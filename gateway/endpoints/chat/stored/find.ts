import { setTimeout as wait } from "node:timers/promises";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import {
  type Record as HistoryRecord,
  RecordStatus,
} from "../../../../shared/gen/throughline/history/v1/history_pb.ts";
import { toParts } from "../../../../shared/request-id.ts";
import type { GatewayContext } from "../../../context.ts";
import { type Item, itemsById, itemsOf, type KeptInput } from "../../../domain/response-items.ts";
import type { Incoming } from "../../../story/incoming.ts";
import type { Owner } from "../../history-query.ts";

/** Who asks for a stored response, and whose it must be. */
export interface Asking {
  readonly incoming: Incoming;
  readonly owner: Owner;
}

/** A response that is kept: later requests may refer to it and go on from it. */
export interface StoredResponse {
  readonly requestId: bigint;
  /** The answer as the client got it, one JSON document. */
  readonly answer: Uint8Array;
  readonly output: readonly Item[];
  /** Items of the answer and the input by the IDs that they bear. */
  readonly byId: ReadonlyMap<unknown, Item>;
  readonly input: KeptInput;
  /** Bytes of answer and input. */
  readonly bytes: number;
  /** True: something of the answer was cut, so nothing can go on from it. */
  readonly isCut: boolean;
}

/** Only answers of this dialect are responses. */
const dialect = "openai.responses";

/**
 * A client has the end of an answer before history has its record, which follows within milliseconds: one that is not there
 * yet is looked for again, each time later, while its request is young.
 */
const waitsMs = [10, 20, 40, 80, 160, 320, 640];
/** No request runs longer than its record may still be on its way. */
const youngMs = 900_000;

/**
 * The response that a request gave, if it is kept and the owner's. Undefined: there is none, and nothing says whether it is
 * another owner's. A request keeps its response unless it says `store: false`, or its account keeps no answers.
 */
export async function findStored(
  context: Pick<GatewayContext, "history" | "config">,
  { incoming, owner }: Asking,
  requestId: bigint,
): Promise<StoredResponse | undefined> {
  for (const waitMs of [...waitsMs, undefined]) {
    const record = await recordOf(context, { incoming, owner }, requestId);
    const isOver = record !== undefined && record.status >= RecordStatus.SUCCEEDED;
    if (isOver) return storedOf(record);
    if (waitMs === undefined || Date.now() - toParts(requestId).unixMs > youngMs) return undefined;
    await wait(waitMs);
  }
  return undefined;
}

async function recordOf(
  { history, config }: Pick<GatewayContext, "history" | "config">,
  { incoming, owner }: Asking,
  requestId: bigint,
): Promise<HistoryRecord | undefined> {
  try {
    const { record } = await history.getRecord(
      { owner, requestId },
      { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: config.callTimeoutMs },
    );
    return record?.record;
  } catch (error) {
    if (ThroughlineError.from(error).code === "not_found") return undefined;
    throw error;
  }
}

function storedOf(record: HistoryRecord): StoredResponse | undefined {
  const { requestId, response, input, responseTruncated: isCut, status } = record;
  if (record.dialect !== dialect || status !== RecordStatus.SUCCEEDED || input.length === 0) return undefined;
  const answer = parsed(response);
  const kept = parsed(input);
  if (answer === undefined || kept === undefined) return undefined;
  const { continues } = kept;
  const output = itemsOf(answer.output);
  const items = Array.isArray(kept.items) ? itemsOf(kept.items) : null;
  return {
    requestId,
    answer: response,
    output,
    byId: itemsById([...output, ...(items ?? [])]),
    input: {
      items,
      ...(typeof continues === "string" ? { continues } : {}),
    },
    bytes: response.length + input.length,
    isCut,
  };
}

function parsed(bytes: Uint8Array): Item | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    return typeof value === "object" && value !== null ? (value as Item) : undefined;
  } catch {
    return undefined;
  }
}
