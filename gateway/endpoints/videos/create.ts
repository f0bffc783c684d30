import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Module, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createJsonAnswer } from "../../answers/json.ts";
import type { GatewayContext } from "../../context.ts";
import { spellingOf } from "../../domain/field-spelling.ts";
import { principalOf, publicKinds } from "../../edge/admission.ts";
import { checkFormHead, receiveForm } from "../../edge/form.ts";
import { memoryBytes, openSpool } from "../../edge/spool.ts";
import { validationError } from "../../edge/validation.ts";
import { idempotencyKeyOf } from "../../story/idempotency.ts";
import { beginJob } from "../../story/job-story.ts";
import { toVideo, type VideoView } from "../../view/video.ts";
import { misspelt } from "../endpoint.ts";
import { callbackField, callbackUrlOf } from "../jobs/callback.ts";
import { formBody, maxReferenceBytes } from "./form-body.ts";
import { type VideosBody, videosBody } from "./schema.ts";
import { secondsOf, videoDemand } from "./video-demand.ts";

/** Dialect of OpenAI's videos. */
export const videosDialect = "openai.videos";
/** A video that is not made in half an hour is given up. */
const lifeMs = 30 * 60_000;
const fieldsBytes = 1024 * 1024;
const spelling = spellingOf(Object.keys(videosBody.properties));

/** POST /v1/videos: begins a video, by JSON or by a form. */
export function createVideo(edge: FastifyInstance, context: GatewayContext): void {
  const { config } = context;
  const endpoint = { dialect: videosDialect, module: Module.VIDEO };
  const admission = { kinds: publicKinds, scope: "video", endpoint, fresh: false };
  void edge.register((scope, _options, done) => {
    // A form is received by the handler, which lets go of it in any case; JSON is read as everywhere.
    scope.addContentTypeParser(/^multipart\/form-data/i, (_request, _payload, parsed) => parsed(null));
    scope.post(
      "/v1/videos",
      { bodyLimit: config.bodyLimitBytes, config: { admission } },
      async (request, reply: FastifyReply) => {
        const { body, raw } = await read(context, request);
        const callbackUrl = await callbackUrlOf(context, request, body.callback_url);
        const answer = createJsonAnswer(reply.raw);
        const principal = principalOf(request);
        const ask = {
          incoming: request.incoming,
          principal,
          ...endpoint,
          demand: videoDemand(body),
          body: raw,
          keepsAnswer: false,
          idempotencyKey: idempotencyKeyOf(request.headers["idempotency-key"]),
          storeResponse: principal.storeResponse,
        };
        const view = Buffer.from(JSON.stringify(viewOf(body, principal.storeResponse)));
        context.running.entered();
        try {
          await beginJob(context, ask, answer, { lifeMs, view, callbackUrl, show: toVideo });
          context.limits.served(principal.keyId);
        } finally {
          context.running.left();
        }
        reply.hijack();
      },
    );
    done();
  });
}

/** The body, checked, and its bytes as they travel on. */
async function read(context: GatewayContext, request: FastifyRequest): Promise<{ body: VideosBody; raw: Uint8Array }> {
  const isForm = /^multipart\/form-data/i.test(request.headers["content-type"] ?? "");
  const given = isForm ? await readForm(context, request) : request.body;
  const validate = request.compileValidationSchema(videosBody);
  if (!validate(given)) throw validationError(validate.errors ?? []);
  const body = given as VideosBody;
  const param = spelling.misspelt(Object.keys(body));
  if (param !== undefined) throw misspelt(param);
  const { [callbackField]: callback, ...rest } = body;
  // It is ours to call; a vendor that was told of it would call it as well.
  const isKept = !isForm && callback === undefined;
  return { body, raw: isKept ? request.rawBody : Buffer.from(JSON.stringify(rest)) };
}

async function readForm({ config, spool: room, spent }: GatewayContext, request: FastifyRequest): Promise<object> {
  const maxBytes = maxReferenceBytes + fieldsBytes;
  checkFormHead(request, maxBytes);
  const length = Number(request.headers["content-length"] ?? maxBytes);
  const spool = openSpool({ directory: config.spoolDir, room, spent }, length > memoryBytes ? length : 0);
  try {
    return await formBody(await receiveForm(request, spool, maxBytes));
  } finally {
    spool.release();
  }
}

function viewOf(body: VideosBody, store: StoreResponse): VideoView {
  const { prompt, size } = body;
  return {
    prompt: store === StoreResponse.NONE ? null : prompt,
    seconds: secondsOf(body) ?? null,
    size: size ?? null,
  };
}
