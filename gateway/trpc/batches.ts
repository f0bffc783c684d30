import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { type Batch, BatchApi, BatchState } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { OwnerSchema } from "../../shared/gen/throughline/jobs/v1/owner_pb.ts";
import { requestOf } from "../endpoints/chat/message-id.ts";
import { batchId } from "../view/batch.ts";
import { batchCostOf } from "../view/batch-cost.ts";
import { messageBatchId } from "../view/message-batch.ts";
import { id, name, text } from "./input.ts";
import { type JobCaller, jobOwnerOf } from "./jobs.ts";
import { usageOut } from "./output.ts";
import { callOptions, ownJobs, router } from "./procedures.ts";

/** In whose words a batch was asked for. */
const apis = { openai: BatchApi.OPENAI, anthropic: BatchApi.ANTHROPIC } as const;
const anyBatchId = text.min(1).max(64);

function ownerOf(
  ctx: JobCaller,
  given: {
    readonly account_id?: bigint | undefined;
    readonly key_id?: bigint | undefined;
    readonly user_id?: string | undefined;
  },
): MessageInitShape<typeof OwnerSchema> {
  const {
    accountId = 0n,
    keyId = 0n,
    userId = "",
    everybody = false,
  } = jobOwnerOf(ctx, given.account_id, given.key_id, given.user_id);
  return { accountId, keyId, userId, everybody };
}

function idOf(text: string): bigint {
  const found = requestOf(text);
  if (found === undefined) throw new ThroughlineError("not_found", "There is no such batch.");
  return found;
}

/** Batches, whosever words they were asked for in. */
export const batches = router({
  /** Reads a batch with what its lines cost so far. */
  get: ownJobs.input(z.strictObject({ id: anyBatchId, account_id: id.optional() })).query(async ({ ctx, input }) => {
    const asked = { owner: ownerOf(ctx, input), batchId: idOf(input.id) };
    const { batch } = await ctx.gateway.jobs.getBatch(asked, callOptions(ctx));
    if (batch === undefined) throw new ThroughlineError("not_found", "There is no such batch.");
    return batchOut(batch);
  }),

  /**
   * Lists batches with what their lines cost so far, the newest first unless `ascending`: an operator's administration key everybody's, a
   * tenant's its account's, any other key its own.
   */
  list: ownJobs
    .input(
      z
        .strictObject({
          /** For administration keys: only this account's. */
          account_id: id.optional(),
          /** Within what the key sees: only this key's, and only this end user's. */
          key_id: id.optional(),
          user_id: name.optional(),
          api: z.enum(["openai", "anthropic"]).optional(),
          /** Batches behind this one, in the order of the list. */
          after: anyBatchId.optional(),
          limit: z.int().min(1).max(100).default(20),
          ascending: z.boolean().default(false),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const listed = await ctx.gateway.jobs.listBatches(
        {
          owner: ownerOf(ctx, input),
          api: input.api === undefined ? BatchApi.UNSPECIFIED : apis[input.api],
          afterBatchId: input.after === undefined ? 0n : idOf(input.after),
          limit: input.limit,
          ascending: input.ascending,
        },
        callOptions(ctx),
      );
      const last = listed.hasMore ? listed.batches.at(-1) : undefined;
      return {
        batches: listed.batches.map(batchOut),
        has_more: listed.hasMore,
        /** What `after` of the next page is; null: this is the last. */
        next_cursor: last === undefined ? null : idIn(last),
      };
    }),
});

function idIn({ api, batchId: made }: Batch): string {
  return api === BatchApi.ANTHROPIC ? messageBatchId(made) : batchId(made);
}

/** How far a batch is. */
function statusOf({ state, cancelRequested }: Batch): "loading" | "running" | "cancelling" | "finalizing" | "ended" {
  if (state === BatchState.ENDED) return "ended";
  if (state === BatchState.FINALIZING) return "finalizing";
  if (state === BatchState.LOADING) return "loading";
  return cancelRequested ? "cancelling" : "running";
}

function batchOut(batch: Batch) {
  const { counts } = batch;
  return {
    /** As the API calls it that it was asked for by. */
    id: idIn(batch),
    request_id: batch.batchId.toString(),
    api: batch.api === BatchApi.ANTHROPIC ? ("anthropic" as const) : ("openai" as const),
    endpoint: batch.endpoint,
    /** Models that its lines name, at most 20. */
    models: batch.models,
    account_id: batch.accountId.toString(),
    key_id: batch.keyId.toString(),
    user_id: batch.userId || null,
    status: statusOf(batch),
    cancel_requested: batch.cancelRequested,
    lines: {
      total: counts?.total ?? 0,
      succeeded: counts?.succeeded ?? 0,
      failed: counts?.failed ?? 0,
      cancelled: counts?.cancelled ?? 0,
      expired: counts?.expired ?? 0,
    },
    created_time: timeOf(batch.createdUnixMs) ?? "",
    deadline_time: timeOf(batch.deadlineUnixMs),
    ended_time: timeOf(batch.endedUnixMs),
    /** What its lines that have ended cost together, each as the ledger has it. */
    ...batchCostOf(batch),
    /** What they consumed of every unit. */
    usage: usageOut(batch.usage),
  };
}

/** null: not yet. */
function timeOf(unixMs: bigint): string | null {
  return unixMs === 0n ? null : new Date(Number(unixMs)).toISOString();
}
