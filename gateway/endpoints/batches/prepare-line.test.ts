import { expect, test } from "vitest";
import { type AddBatchLinesRequest, BatchApi, BatchState } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { startTestGateway } from "../../testing.ts";

test.each(["stream", "background"])("a line that asks for %s fails alone: it is answered as a whole", async (field) => {
  const bodies = [{ [field]: true }, { [field]: false }, {}].map((body) => ({ model: "m", input: "Hello", ...body }));
  const lines = bodies.map((body, index) => ({ custom_id: `${index}`, method: "POST", url: "/v1/responses", body }));
  const file = Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n"));
  const added: AddBatchLinesRequest[] = [];
  await using gateway = await startTestGateway({
    jobs: {
      getFile: unaryHandler(async ({ fileId }) => ({
        file: { fileId, bytes: BigInt(file.length), purpose: "batch", contentType: "text/plain" },
      })),
      readObject: unaryHandler(async () => ({ data: file, bytes: BigInt(file.length) })),
      beginBatch: unaryHandler(async () => ({})),
      addBatchLines: unaryHandler(async (request) => {
        added.push(request);
        return {};
      }),
      startBatch: unaryHandler(async ({ batchId }) => ({
        batch: { batchId, api: BatchApi.OPENAI, state: BatchState.RUNNING, accountId: 1n, view: Buffer.from("{}") },
      })),
    },
  });
  const batch = { input_file_id: "file-1", endpoint: "/v1/responses", completion_window: "24h" };
  expect((await gateway.call("/v1/batches", batch)).status).toBe(200);
  expect(added.flatMap((request) => request.lines.map(({ refusal }) => refusal?.param))).toEqual([
    field,
    undefined,
    undefined,
  ]);
});
