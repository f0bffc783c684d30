import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import {
  type Record as HistoryRecord,
  type Recorded,
  type RecordItem,
  RecordSchema,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { type BatchAnswer, batchHandler, type LaneCall } from "../../../shared/rpc/index.ts";
import type { HistoryContext } from "../context.ts";
import { isTerminal } from "../domain/standing.ts";
import { completeReconstructed } from "./complete.ts";
import { type PreparedEnded, type PreparedUnfinished, prepareEnded, prepareUnfinished } from "./prepare.ts";
import { statusNames } from "./statuses.ts";
import { putEnded, putUnfinished } from "./store.ts";

type Prepared = PreparedEnded | PreparedUnfinished | ThroughlineError;

/** Two batches at a time keep both a core of ours and the database busy; more would only make them smaller. */
const maxConcurrent = 2;
const maxItems = 512;

/** Stores records: all that arrive together in one statement (two where some have not ended yet). */
export function record(context: HistoryContext) {
  return batchHandler<RecordItem, Recorded>((calls) => traced(context, calls), { maxItems, maxConcurrent });
}

/** One span an item, as long as its batch. */
async function traced(
  context: HistoryContext,
  calls: readonly LaneCall<RecordItem>[],
): Promise<BatchAnswer<Recorded>[]> {
  const batchSize = calls.length;
  const spans = calls.map(({ item, requestId, traceparent }) =>
    context.spans.record({ requestId, traceparent, batchSize }, statusNames[item.record?.status ?? 0] ?? "unknown"),
  );
  try {
    const answers = await store(
      context,
      calls.map(({ item }) => item.record),
    );
    for (const [index, answer] of answers.entries())
      if (answer instanceof ThroughlineError) spans[index]?.fail(answer.code);
    return answers;
  } catch (error) {
    const { code } = ThroughlineError.from(error);
    for (const span of spans) span.fail(code);
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

async function store(
  context: HistoryContext,
  records: readonly (HistoryRecord | undefined)[],
): Promise<BatchAnswer<Recorded>[]> {
  const complete = await completeReconstructed(context.db, records);
  const prepared = await Promise.all(complete.map((item) => prepare(context, item)));
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

async function prepare(context: HistoryContext, item: HistoryRecord | undefined): Promise<Prepared> {
  const problem = problemOf(item);
  if (item === undefined || problem !== undefined) {
    return new ThroughlineError("invalid_value", problem ?? "The record is missing.", { param: "record" });
  }
  try {
    return isTerminal(item.status) ? await prepareEnded(item, context) : prepareUnfinished(item);
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
