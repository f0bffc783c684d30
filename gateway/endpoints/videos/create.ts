import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Module, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createJsonAnswer } from "../../answers/json.ts";
import type { GatewayContext } from "../../context.ts";
import { spellingOf } from "../../domain/field-spelling.ts";
import { principalOf, publicKinds } from "../../edge/admission.ts";
import { checkFormHead, receiveForm } from "../../edge/form.ts";
import { memoryBytes, openSpool } from "../../edge/spool.ts";
import { validationError } from "../../edge/validation.ts";
import type { Answer } from "../../story/ask.ts";
import { idempotencyKeyOf } from "../../story/idempotency.ts";
import { beginJob } from "../../story/job-story.ts";
import { toVideo, type VideoView } from "../../view/video.ts";
import { misspelt, type Sent } from "../endpoint.ts";
import { callbackField, callbackUrlOf } from "../jobs/callback.ts";
import { formBody, maxReferenceBytes, videosForm } from "./form-body.ts";
import { type VideosBody, videosBody } from "./schema.ts";
import { secondsOf, videoDemand } from "./video-demand.ts";

/** Dialect of OpenAI's videos. */
export const videosDialect = "openai.videos";
/** What its route and its refusals are known by. */
export const videosEndpoint = { dialect: videosDialect, module: Module.VIDEO };
/** A video that is not made in half an hour is given up. */
const lifeMs = 30 * 60_000;
const fieldsBytes = 1024 * 1024;
const spelling = spellingOf(Object.keys(videosBody.properties));

/** POST /v1/videos: begins a video, by JSON or by a form. */
export function createVideo(edge: FastifyInstance, context: GatewayContext): void {
  const { config } = context;
  const admission = { kinds: publicKinds, scope: "video", endpoint: videosEndpoint, fresh: false };
  void edge.register((scope, _options, done) => {
    // A form is received by the handler, which lets go of it in any case; JSON is read as everywhere.
    scope.addContentTypeParser(/^multipart\/form-data/i, (_request, _payload, parsed) => parsed(null));
    scope.post(
      "/v1/videos",
      { bodyLimit: config.bodyLimitBytes, config: { admission, described: { body: videosBody, form: videosForm } } },
      async (request, reply: FastifyReply) => {
        await beginVideo(context, request, await read(context, request), createJsonAnswer(reply.raw));
        reply.hijack();
      },
    );
    done();
  });
}

/** A body that its schema has checked, and its bytes as they travel on. */
interface GivenBody {
  readonly body: VideosBody;
  readonly raw: Uint8Array;
}

/** Begins a video. Throws catalogue errors with the field's path. */
export async function beginVideo(
  context: GatewayContext,
  request: Pick<Sent, "incoming" | "headers">,
  { body, raw }: GivenBody,
  answer: Answer,
): Promise<void> {
  const param = spelling.misspelt(Object.keys(body));
  if (param !== undefined) throw misspelt(param);
  const callbackUrl = await callbackUrlOf(context, request, body.callback_url);
  const { [callbackField]: callback, ...rest } = body;
  const principal = principalOf(request);
  const ask = {
    incoming: request.incoming,
    principal,
    ...videosEndpoint,
    demand: videoDemand(body),
    // It is ours to call; a vendor that was told of it would call it as well.
    body: callback === undefined ? raw : Buffer.from(JSON.stringify(rest)),
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
}

/** The body, checked, and its bytes as they travel on. */
async function read(context: GatewayContext, request: FastifyRequest): Promise<GivenBody> {
  const isForm = /^multipart\/form-data/i.test(request.headers["content-type"] ?? "");
  const given = isForm ? await readForm(context, request) : request.body;
  const validate = request.compileValidationSchema(videosBody);
  if (!validate(given)) throw validationError(validate.errors ?? []);
  const body = given as VideosBody;
  return { body, raw: isForm ? Buffer.from(JSON.stringify(body)) : request.rawBody };
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
