import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { File } from "../../../shared/gen/throughline/jobs/v1/files_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { callerAddress } from "../../edge/caller-address.ts";
import { authorise } from "../../story/authenticate.ts";
import { type BatchView, toBatch } from "../../view/batch.ts";
import { requestOf } from "../chat/message-id.ts";
import { callOptions, jobOwner } from "../jobs/owned.ts";
import { inputLines } from "./input-file.ts";
import { batchEndpoints } from "./kinds.ts";
import { takeBatch } from "./take-batch.ts";

/** Dialect of OpenAI's batches. */
export const batchesDialect = "openai.batches";

const body = Type.Object({
  input_file_id: Type.String({ minLength: 1, maxLength: 128 }),
  endpoint: Type.Enum([...batchEndpoints.keys()]),
  completion_window: Type.Enum(["24h"]),
  metadata: Type.Optional(
    Type.Union([
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 512 }), { maxProperties: 16 }),
      Type.Null(),
    ]),
  ),
  output_expires_after: Type.Optional(
    Type.Object({
      anchor: Type.Enum(["created_at"]),
      seconds: Type.Integer({ minimum: 3_600, maximum: 2_592_000 }),
    }),
  ),
});

/** Results are kept as long as OpenAI keeps the files of a batch. */
const usualResultsLifeMs = 30 * 86_400_000;

/** POST /v1/batches: takes in the lines of a file, which jobs then runs. */
export function createBatch(edge: FastifyInstance, context: GatewayContext): void {
  // The scope is that of the lines, which the body names.
  const endpoint = { dialect: batchesDialect, module: Module.CHAT };
  const admission: Admission = { kinds: publicKinds, endpoint, fresh: false };
  edge.post<{ Body: Static<typeof body> }>(
    "/v1/batches",
    { schema: { body }, config: { admission } },
    async (request) => {
      const { endpoint: path, completion_window, metadata, output_expires_after: life } = request.body;
      const lineEndpoint = batchEndpoints.get(path);
      if (lineEndpoint === undefined)
        throw new ThroughlineError("invalid_value", "endpoint is not known.", { param: "endpoint" });
      const principal = principalOf(request);
      authorise(principal, moduleNameOf(lineEndpoint.module), publicKinds, callerAddress(request));
      const file = await inputFile(context, request, request.body.input_file_id);
      const view: BatchView = { completion_window, metadata: metadata ?? null };
      context.running.entered();
      try {
        const batch = await takeBatch(context, request, {
          api: BatchApi.OPENAI,
          endpoint: lineEndpoint,
          dialect: batchesDialect,
          inputFileId: file.fileId,
          view: Buffer.from(JSON.stringify(view)),
          resultsLifeMs: life === undefined ? usualResultsLifeMs : life.seconds * 1_000,
          lines: () => inputLines(context, file, principal.accountId, path, callOptions(context, request)),
        });
        context.limits.served(principal.keyId);
        return toBatch(batch);
      } finally {
        context.running.left();
      }
    },
  );
}

/** The file of the caller's that a batch is to be made of. */
async function inputFile(context: GatewayContext, request: FastifyRequest, text: string): Promise<File> {
  const fileId = requestOf(text);
  const file =
    fileId === undefined
      ? undefined
      : await context.jobs.getFile({ owner: jobOwner(request), fileId }, callOptions(context, request)).then(
          (answer) => answer.file,
          (error: unknown) => {
            if (ThroughlineError.from(error).code === "not_found") return undefined;
            throw error;
          },
        );
  const param = "input_file_id";
  if (file === undefined) throw new ThroughlineError("invalid_value", "There is no such input file.", { param });
  if (file.purpose === "batch") return file;
  throw new ThroughlineError("invalid_value", `The input file was uploaded for ${file.purpose}, not for batch.`, {
    param,
  });
}
