import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { JobsService } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import { owner } from "./testing.ts";

const call = { requestId: 1n, timeoutMs: 20_000 };
let lastId = 800_000_000_000_000n;

/** Takes a batch in and has it run. */
export async function beginTestBatch(
  client: ServiceClient<typeof JobsService>,
  count: number,
  lifeMs = 60_000,
  missing = 0,
): Promise<{ id: bigint; lines: bigint[] }> {
  const id = ++lastId;
  const [outputFileId, errorFileId] = [++lastId, ++lastId];
  const lines = Array.from({ length: count }, () => ++lastId);
  const facts = { ...owner, keyId: 3n, model: "m", createdUnixUs: BigInt(Date.now()) * 1_000n };
  await client.beginBatch(
    {
      ...{ batchId: id, owner, api: BatchApi.OPENAI, endpoint: "/v1/chat/completions", outputFileId, errorFileId },
      ...{ inputFileId: 1n, view: Buffer.from("{}"), facts, module: Module.CHAT },
    },
    call,
  );
  const item = {
    ...{ dialect: "openai.chat", module: Module.CHAT, model: "m", facts },
    candidates: [
      {
        channel: "stub",
        platform: "stub",
        upstreamModel: "m",
        pricing: { strategy: "s", requestNanoUsd: 7n, groupRatioPpm: 1_000_000 },
      },
    ],
  };
  const message = {
    ...{ batchId: id, accountId: owner.accountId, first: 0, routes: [{ number: 0, item }] },
    lines: lines.map((requestId, i) => ({
      ...{
        requestId,
        customId: `line-${i}`,
        route: 0,
        body: Buffer.from(`{"i":${i}}`),
        amountNanoUsd: 5n,
        keepsAnswer: true,
      },
    })),
  };
  await client.addBatchLines(message, call);
  // It may come again.
  await client.addBatchLines(message, call);
  const start = {
    batchId: id,
    accountId: owner.accountId,
    total: count + missing,
    isHeld: true,
    reservedNanoUsd: 500n,
  };
  await client.startBatch({ ...start, lifeMs: BigInt(lifeMs) }, call);
  return { id, lines };
}
