import { toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { CreateCallRequest } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { InvokeItemSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { UnaryContext } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { insertCall } from "../db/calls.ts";
import { readJob } from "../db/jobs.ts";
import type { Calls } from "../runner/calls.ts";
import { recordState } from "../runner/end.ts";
import { keepCallback } from "../webhooks/callbacks.ts";
import { noSuchJob, toJob } from "./job-message.ts";

const maxViewBytes = 64 * 1024;

/** Takes a call that is made later: from its row on it is ours. */
export async function createCall(
  context: JobsContext,
  calls: Pick<Calls, "wake">,
  request: CreateCallRequest,
  { traceparent }: UnaryContext,
) {
  const { requestId, item, view, input, lifeMs, keepsAnswer, uploadObjectId: upload } = request;
  const facts = item?.facts;
  if (item === undefined || facts === undefined || requestId === 0n || view.length > maxViewBytes) {
    throw new ThroughlineError("invalid_value", "A call needs a request, its facts and a view of at most 64 KiB.");
  }
  const { accountId, keyId, userId, createdUnixUs } = facts;
  await keepCallback(context, { requestId, accountId, url: request.callbackUrl });
  const isNew = await insertCall(context.db, {
    ...{ requestId, accountId, keyId, userId, module: item.module, body: item.body, view, input, keepsAnswer, upload },
    item: toBinary(InvokeItemSchema, { ...item, body: new Uint8Array() }),
    traceparent,
    createdUnixMs: Number(createdUnixUs / 1_000n),
    lifeMs: Number(lifeMs),
  });
  const row = await readJob(context.db, { accountId, keyId: 0n, userId: "" }, requestId);
  if (row === undefined) throw noSuchJob();
  if (isNew) {
    void recordState(context, row);
    calls.wake();
  }
  return { job: toJob(row) };
}
