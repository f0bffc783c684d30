import type { FastifyInstance, FastifyRequest } from "fastify";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { memoryBytes, openSpool, type Spool } from "../../edge/spool.ts";
import { receiveBody } from "../../edge/spooled-json.ts";
import { toMessageBatch } from "../../view/message-batch.ts";
import { takeBatch } from "../batches/take-batch.ts";
import { messages } from "../chat/messages.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { givenLines, messageBatchBody } from "./given-lines.ts";
import { originOf } from "./origin.ts";

/** Dialect of Anthropic's message batches. */
export const messageBatchesDialect = "anthropic.batches";

/** Results are kept for as long as at Anthropic. */
const resultsLifeMs = 29 * 86_400_000;
/** Largest body, as at Anthropic. */
const maxBytes = 256 * 1024 * 1024;

/** POST /v1/messages/batches: takes in requests, which jobs then runs. The body is spooled and read in pieces: of it a request is in memory. */
export function createMessageBatch(edge: FastifyInstance, context: GatewayContext): void {
  const { config, spool: room, spent } = context;
  const endpoint = { dialect: messageBatchesDialect, module: Module.CHAT };
  const admission: Admission = {
    ...{ kinds: publicKinds, scope: "chat", endpoint, fresh: false },
    ...{ secretFirst: "x-api-key", memoryBytes: config.bodyLimitBytes },
  };
  const options = { bodyLimit: maxBytes, config: { admission, described: { body: messageBatchBody } } };
  void edge.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The body is received by the handler, which lets go of it in any case.
    scope.addContentTypeParser("application/json", (_request, _payload, parsed) => parsed(null));
    scope.post("/v1/messages/batches", options, async (request) => {
      const length = Math.min(Number(request.headers["content-length"] ?? maxBytes), maxBytes);
      const spool = openSpool({ directory: config.spoolDir, room, spent }, length > memoryBytes ? length : 0);
      context.running.entered();
      try {
        return await take(context, request, spool);
      } finally {
        context.running.left();
        spool.release();
      }
    });
    done();
  });
}

async function take(context: GatewayContext, request: FastifyRequest, spool: Spool): Promise<object> {
  const { bodyLimitBytes: maxPackedBytes } = context.config;
  const sha256 = await receiveBody(context, request, spool, { maxBytes, maxPackedBytes });
  // A repeat is known by the body itself where it has the size of a request's, else by its digest.
  const isKnownByKey = request.headers["idempotency-key"] !== undefined;
  request.rawBody = isKnownByKey && spool.length <= maxPackedBytes ? await whole(spool) : sha256;
  const batch = await takeBatch(context, request, {
    api: BatchApi.ANTHROPIC,
    endpoint: messages as Endpoint,
    dialect: messageBatchesDialect,
    inputFileId: 0n,
    view: Buffer.from("{}"),
    resultsLifeMs,
    lines: () => givenLines(context, request, spool),
  });
  context.limits.served(principalOf(request).keyId);
  return toMessageBatch(batch, originOf(request));
}

async function whole(spool: Spool): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < spool.length; at += pieces.at(-1)?.length ?? 0) pieces.push(await spool.read(at, memoryBytes));
  return Buffer.concat(pieces);
}
