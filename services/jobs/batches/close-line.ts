import { create } from "@bufbuild/protobuf";
import { boundDocumentInPieces } from "../../../shared/bounded-document.ts";
import { type ClosingRequest, finalRecord, settleItem } from "../../../shared/closing/index.ts";
import { LedgerKind, type Settlement } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { TimelineEventSchema } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { unitEntry } from "../../../shared/units.ts";
import type { JobsContext } from "../context.ts";
import { type ClosedLine, lineResults } from "../db/batch-results.ts";
import { type BatchFacts, type Line, lineEnding, lineRequest } from "./line-request.ts";

const callTimeoutMs = 8_000;
/** Largest answer that travels to history whole, and what travels of a larger one: as the gateway's own records do. */
const maxWholeBytes = 16 * 1024 * 1024;
const maxBoundedBytes = 8 * 1024 * 1024;

/**
 * Settles and records a line that has ended. Both are idempotent by its request's ID, and its row says until then that they are to
 * be done: together they are done once. Throws what kept it from being done. A line that was never begun holds nothing.
 *
 * @param dialect of its batch, for a line without a route.
 */
export async function closeLine(
  context: Pick<JobsContext, "billing" | "history">,
  line: Line,
  batch: BatchFacts,
  dialect: string,
): Promise<ClosedLine> {
  const { billing, history } = context;
  const { row, said } = line;
  const request = lineRequest(line, batch, dialect);
  const ending = lineEnding(line);
  const options = { requestId: row.request_id, traceparent: "", timeoutMs: callTimeoutMs };
  const settlement =
    row.tries === 0
      ? { billedNanoUsd: 0n, reason: "" }
      : await billing.settle.call(settleItem(request, ending), options);
  const listPrice = await listPriceOf(context, request, settlement);
  const { response, responseTruncated } = await recordedAnswer(line, ending.outcome);
  const startedMs = (row.started_at ?? row.ended_at ?? new Date()).getTime();
  const endedMs = (row.ended_at ?? new Date()).getTime();
  const record = finalRecord(
    request,
    ending,
    {
      firstByteUs: 0n,
      durationUs: BigInt(Math.max(0, endedMs - startedMs)) * 1_000n,
      timeline: row.started_at === null ? [] : [create(TimelineEventSchema, { name: "begun", atUs: 0n })],
      response,
      responseTruncated,
      notes: [`line ${row.line + 1} of batch ${row.batch_id}`],
    },
    settlement,
  );
  if (row.error_code === null && said.input.length > 0) record.input = said.input;
  await history.record.call({ record }, options);
  const usage = row.error_code === null ? ending.outcome?.usage : undefined;
  return {
    batchId: row.batch_id,
    line: row.line,
    result: resultOf(row),
    inputTokens: usage?.inputTokens ?? 0n,
    cachedInputTokens: usage?.cachedInputTokens ?? 0n,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0n,
    outputTokens: usage?.outputTokens ?? 0n,
    reasoningTokens: usage?.reasoningTokens ?? 0n,
    more: Object.fromEntries((usage?.more ?? []).map(({ unit, amount }) => [unitEntry(unit).name, amount])),
    billed: settlement.billedNanoUsd,
    listPrice,
  };
}

/** A repeat of a settlement does not say the list price: it was entered by whoever died before the line was closed. */
async function listPriceOf(
  { billing }: Pick<JobsContext, "billing">,
  { requestId, facts: { accountId } }: ClosingRequest,
  settlement: Pick<Settlement, "billedNanoUsd"> & Partial<Settlement>,
): Promise<bigint | undefined> {
  if (settlement.repeatedCall !== true) return settlement.listPriceNanoUsd;
  const { entries } = await billing.listLedger({ accountId, entryIds: [requestId] }, { timeoutMs: callTimeoutMs });
  return entries.find(({ kind }) => kind === LedgerKind.CHARGE)?.listPriceNanoUsd;
}

/** What a line counts as in its batch. */
export function resultOf({ error_code: code }: Pick<Line["row"], "error_code">): number {
  if (code === null) return lineResults.succeeded;
  return code === "cancelled" || code === "expired" ? lineResults[code] : lineResults.failed;
}

async function recordedAnswer({ row, said }: Line, outcome: ReturnType<typeof lineEnding>["outcome"]) {
  if (row.error_code !== null) return { response: new Uint8Array(), responseTruncated: false };
  const responseTruncated = outcome?.responseTruncated ?? false;
  if (!said.keepsAnswer) return { response: outcome?.response ?? new Uint8Array(), responseTruncated };
  const whole = row.answer ?? new Uint8Array();
  if (whole.length <= maxWholeBytes) return { response: whole, responseTruncated };
  return { response: await boundDocumentInPieces(whole, maxBoundedBytes), responseTruncated: true };
}
