import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type Record as HistoryRecord,
  type Recorded,
  type RecordItem,
  RecordSchema,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { type BatchAnswer, batchHandler, type LaneCall } from "../../../shared/rpc/index.ts";
import { type AskingCall, endCall } from "../../../shared/telemetry/index.ts";
import type { HistoryContext } from "../context.ts";
import type { CustomResponse } from "../custom-response/custom-responses.ts";
import { keepsAnswer } from "../domain/answer.ts";
import { isTerminal } from "../domain/standing.ts";
import { completeReconstructed } from "./complete.ts";
import { createGatherer, type Gatherer, type GatherOptions } from "./gather.ts";
import { type PreparedEnded, type PreparedUnfinished, prepareEnded, prepareUnfinished } from "./prepare.ts";
import { statusNames } from "./statuses.ts";
import { putEnded, putUnfinished } from "./store.ts";

type Prepared = PreparedEnded | PreparedUnfinished | ThroughlineError;

type Answer = BatchAnswer<Recorded>;

/** Records of all callers on their way into the database. */
export type RecordGatherer = Gatherer<Given, Answer>;

/** A record as it was sent, and what its strategy's expression made of its answer. */
interface Given {
  readonly record: HistoryRecord | undefined;
  readonly custom?: CustomResponse | undefined;
  /** Whose record it is, where that call is recorded in a trace. */
  readonly asking?: AskingCall | undefined;
}

/** Two batches at a time keep both a core of ours and the database busy; more would only make them smaller. */
const maxConcurrent = 2;
const maxItems = 512;
/** A statement takes 0.8 ms of PostgreSQL's CPU whatever is in it, so a record takes 33 us of it in a batch of 32 and 16 in one of 128. */
const enough = 128;
/** What a record takes beside its answer and details. */
const recordBytes = 2_048;

/** Gathers records: all that arrive together are stored by one statement (two where some have not ended yet). */
export function createRecordGatherer(
  context: HistoryContext,
  bounds: Pick<GatherOptions, "maxBytes" | "lingerMs">,
): RecordGatherer {
  return createGatherer((items) => context.spans.during(asked(items), () => store(context, items)), {
    ...{ maxItems, maxConcurrent, enough },
    ...bounds,
  });
}

/** Stores records; answers each when it is durable. */
export function record(context: Pick<HistoryContext, "spans" | "customResponses">, records: RecordGatherer) {
  const { spans, customResponses } = context;

  async function one({ item, requestId, traceparent }: LaneCall<RecordItem>, batchSize: number): Promise<Answer> {
    const { record: given } = item;
    const span = spans.record({ requestId, traceparent, batchSize }, statusNames[given?.status ?? 0] ?? "unknown");
    const bytes =
      recordBytes + (given?.response.length ?? 0) + (given?.detailBytes.length ?? 0) + (given?.input.length ?? 0);
    const asking = span.recording ? { span, requestId } : undefined;
    const answer = await records.accept(withCustomResponse(given, customResponses, asking), bytes, item.waited);
    endCall(span, answer instanceof ThroughlineError ? answer.code : undefined);
    return answer;
  }
  return batchHandler<RecordItem, Recorded>((calls) => Promise.all(calls.map((call) => one(call, calls.length))), {
    maxItems,
    // Batches are made by the gatherer, over all lanes: it lingers, and bounds what waits.
    maxConcurrent: Number.POSITIVE_INFINITY,
  });
}

/** A record waits alone for its expression: others are stored meanwhile. */
function withCustomResponse(
  record: HistoryRecord | undefined,
  customResponses: HistoryContext["customResponses"],
  asking: AskingCall | undefined,
): Given | Promise<Given> {
  if (record === undefined || !isTerminal(record.status) || problemOf(record) !== undefined) return { record, asking };
  const { accountId, requestId, customResponseExpression: expression, response: answer, storeResponse } = record;
  if (expression === "" || answer.length === 0 || !keepsAnswer(storeResponse)) return { record, asking };
  return customResponses
    .make({ accountId, requestId, expression, answer })
    .then((custom) => ({ record, custom, asking }));
}

/** The calls that wait for these records, as far as they are recorded in traces. */
function asked(items: readonly Given[]): AskingCall[] {
  return items.flatMap(({ asking }) => (asking === undefined ? [] : [asking]));
}

async function store(context: HistoryContext, given: readonly Given[]): Promise<BatchAnswer<Recorded>[]> {
  const complete = await completeReconstructed(
    context.db,
    given.map(({ record }) => record),
  );
  const prepared = await Promise.all(complete.map((item, index) => prepare(context, item, given[index]?.custom)));
  const ended: PreparedEnded[] = [];
  const unfinished: PreparedUnfinished[] = [];
  for (const one of prepared) {
    if (one instanceof ThroughlineError) continue;
    if (one.kind === "ended") ended.push(one);
    else unfinished.push(one);
  }
  const [failedEnded, failedUnfinished] = await Promise.all([
    putEnded(context, ended),
    putUnfinished(context, unfinished),
  ]);
  return prepared.map((one) => {
    if (one instanceof ThroughlineError) return one;
    const failures = one.kind === "ended" ? failedEnded : failedUnfinished;
    return failures.get(one.standing.requestId) ?? { repaired: one.repaired };
  });
}

async function prepare(
  context: HistoryContext,
  item: HistoryRecord | undefined,
  custom: CustomResponse | undefined,
): Promise<Prepared> {
  const problem = problemOf(item);
  if (item === undefined || problem !== undefined) {
    return new ThroughlineError("invalid_value", problem ?? "The record is missing.", { param: "record" });
  }
  try {
    return isTerminal(item.status) ? await prepareEnded(item, context, custom) : prepareUnfinished(item);
  } catch (error) {
    context.log.error({ err: error, request_id: item.requestId }, "a record could not be prepared");
    return isTerminal(item.status) ? prepareEnded(bare(item), context) : prepareUnfinished(bare(item));
  }
}

/** What a record cannot do without. Everything else is repaired rather than refused. */
function problemOf(item: HistoryRecord | undefined): string | undefined {
  if (item === undefined) return "The record is missing.";
  if (item.requestId <= 0n || item.requestId >= 1n << 63n) return "The record has no request ID.";
  if (item.accountId <= 0n) return "The record has no account.";
  return statusNames[item.status] === undefined ? "The record has no state." : undefined;
}

/** The last resort for a record that cannot be encoded: what is money, state and ownership, and no details. */
function bare(item: HistoryRecord): HistoryRecord {
  const { requestId, accountId, keyId, userId, fromAppserver, status, module, model, errorCode } = item;
  const { createdUnixUs, updatedUnixUs, reservedNanoUsd, billedNanoUsd, billingReason, usage, pricing } = item;
  return create(RecordSchema, {
    ...{ requestId, accountId, keyId, userId: userId.toWellFormed(), fromAppserver, status, module, errorCode },
    ...{ model: model.toWellFormed(), createdUnixUs, updatedUnixUs, reservedNanoUsd, billedNanoUsd, billingReason },
    ...(usage === undefined ? {} : { usage }),
    ...(pricing === undefined ? {} : { pricing }),
  });
}
