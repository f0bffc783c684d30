import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Job, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { createJsonAnswer } from "../../answers/json.ts";
import type { GatewayContext } from "../../context.ts";
import { publicKinds } from "../../edge/admission.ts";
import { checkFormHead, receiveForm } from "../../edge/form.ts";
import { memoryBytes, openSpool } from "../../edge/spool.ts";
import { validationError } from "../../edge/validation.ts";
import { toVideo } from "../../view/video.ts";
import { idOf, ofModule } from "../jobs/owned.ts";
import { type AskedVideo, beginVideo, videosEndpoint } from "./begin.ts";
import { formBody, videosForm } from "./form-body.ts";
import { fromGenerations, generationsBody, generationsPath, toGeneration } from "./generations.ts";
import { checkReference, maxReferenceBytes } from "./reference.ts";
import { type RemixBody, remixBody, type VideosBody, videosBody } from "./schema.ts";

interface ById {
  Params: { id: string };
}

const fieldsBytes = 1024 * 1024;

/**
 * What begins a video: POST /v1/videos, by JSON or by a form; POST /v1/videos/{id}/remix; POST /v1/video/generations as new-api's
 * clients know it.
 */
export function createVideo(edge: FastifyInstance, context: GatewayContext): void {
  const admission = { kinds: publicKinds, scope: "video", endpoint: videosEndpoint, fresh: false };
  const optionsOf = (described: NonNullable<FastifyContextConfig["described"]>) => ({
    bodyLimit: context.config.bodyLimitBytes,
    config: { admission, described },
  });
  const begin = async (request: FastifyRequest, reply: FastifyReply, asked: AskedVideo) => {
    await beginVideo(context, request, asked, createJsonAnswer(reply.raw));
    reply.hijack();
  };
  void edge.register((scope, _options, done) => {
    // A form is received by the handler, which lets go of it in any case; JSON is read as everywhere.
    scope.addContentTypeParser(/^multipart\/form-data/i, (_request, _payload, parsed) => parsed(null));
    scope.post("/v1/videos", optionsOf({ body: videosBody, form: videosForm }), async (request, reply: FastifyReply) =>
      begin(request, reply, await read(context, request)),
    );
    scope.post<ById>("/v1/videos/:id/remix", optionsOf({ body: remixBody }), async (request, reply: FastifyReply) => {
      const remixed = await ofModule(context, request, idOf(request.params.id), Module.VIDEO);
      await begin(request, reply, readRemix(request, remixed));
    });
    scope.post(generationsPath, optionsOf({ body: generationsBody }), async (request, reply: FastifyReply) => {
      const body = fromGenerations(given(request.compileValidationSchema(generationsBody), request.body));
      await begin(request, reply, { ...checked(request, body), show: toGeneration });
    });
    done();
  });
}

/** The body, checked, and its bytes as they travel on. */
async function read(context: GatewayContext, request: FastifyRequest): Promise<AskedVideo> {
  const isForm = /^multipart\/form-data/i.test(request.headers["content-type"] ?? "");
  if (isForm) return checked(request, await readForm(context, request));
  return checked(request, request.body, request.rawBody);
}

/**
 * A remix says how it is to differ: model, length and size are those of its video, and so is the vendor, for no other has that.
 * Throws invalid_value for a video that has not ended well.
 */
function readRemix(request: FastifyRequest, remixed: Job): AskedVideo {
  if (remixed.state !== JobState.SUCCEEDED || remixed.candidate === undefined) {
    throw new ThroughlineError("invalid_value", "Only a video that has completed can be remixed.", { param: "id" });
  }
  const { prompt, callback_url: callback } = given(
    request.compileValidationSchema(remixBody),
    request.body,
  ) as RemixBody;
  const { seconds, size } = toVideo(remixed);
  const said = {
    model: remixed.model,
    prompt,
    ...(seconds === null ? {} : { seconds }),
    ...(size === null ? {} : { size }),
    ...(typeof callback === "string" ? { callback_url: callback } : {}),
  };
  return { ...checked(request, said), remixed };
}

function given(validate: ReturnType<FastifyRequest["compileValidationSchema"]>, body: unknown): unknown {
  if (!validate(body)) throw validationError(validate.errors ?? []);
  return body;
}

/** @param raw the bytes that said it; absent: they are made of it. */
function checked(request: FastifyRequest, said: unknown, raw?: Uint8Array): AskedVideo {
  const body = given(request.compileValidationSchema(videosBody), said) as VideosBody;
  checkReference(body.input_reference);
  return { body, raw: raw ?? Buffer.from(JSON.stringify(body)) };
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
