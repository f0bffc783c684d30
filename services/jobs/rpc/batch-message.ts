import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi, type BatchSchema, type BatchState } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { unitNamed } from "../../../shared/units.ts";
import { type BatchRow, batchStates } from "../db/batch-row.ts";
import { type LineCounts, shownCounts } from "../domain/line-counts.ts";

/** A batch as callers see it. */
export function toBatch(row: BatchRow): MessageInitShape<typeof BatchSchema> {
  const { total, succeeded, failed, cancelled, expired, costed, told } = row;
  const own = { succeeded, failed, cancelled, expired };
  const counts = row.state === batchStates.running ? shownCounts(total, own, toldOf(told)) : own;
  const hasEnded = row.state === batchStates.ended;
  const hasOutput = hasEnded && (row.api === BatchApi.ANTHROPIC || succeeded > 0);
  return {
    batchId: row.batch_id,
    accountId: row.account_id,
    keyId: row.key_id,
    userId: row.user_id,
    api: row.api as BatchApi,
    endpoint: row.endpoint,
    state: row.state as BatchState,
    cancelRequested: row.cancel_requested,
    inputFileId: row.input_file_id,
    outputFileId: hasOutput ? row.output_file_id : 0n,
    errorFileId: hasEnded && failed + expired > 0 ? row.error_file_id : 0n,
    view: row.view,
    counts: { total, ...counts },
    usage: {
      inputTokens: row.input_tokens,
      cachedInputTokens: row.cached_input_tokens,
      cacheWriteTokens: row.cache_write_tokens,
      outputTokens: row.output_tokens,
      reasoningTokens: row.reasoning_tokens,
      more: quantitiesOf(row.more),
    },
    ...(costed === succeeded + failed + cancelled + expired
      ? { cost: { billedNanoUsd: row.billed, listPriceNanoUsd: row.list_price, listedLines: row.listed } }
      : {}),
    createdUnixMs: BigInt(row.created_at.getTime()),
    deadlineUnixMs: unixMs(row.deadline_at),
    startedUnixMs: unixMs(row.started_at),
    cancellingUnixMs: unixMs(row.cancelling_at),
    finalizingUnixMs: unixMs(row.finalizing_at),
    endedUnixMs: unixMs(row.ended_at),
    models: [...row.models],
  };
}

function unixMs(at: Date | null): bigint {
  return BigInt(at?.getTime() ?? 0);
}

/** Units that this program knows; a newer one may have counted others. */
function quantitiesOf(more: BatchRow["more"]): { unit: Unit; amount: bigint }[] {
  return Object.entries(more ?? {}).flatMap(([name, amount]) => {
    const entry = unitNamed(name);
    return entry === undefined ? [] : [{ unit: entry.unit, amount: BigInt(amount) }];
  });
}

/** As the row has it, in its order. */
function toldOf(told: BatchRow["told"]): LineCounts | undefined {
  if (told === null) return undefined;
  const [succeeded = 0, failed = 0, cancelled = 0, expired = 0] = told;
  return { succeeded, failed, cancelled, expired };
}
