import { Module, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Job } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { spellingOf } from "../../domain/field-spelling.ts";
import { principalOf } from "../../edge/admission.ts";
import type { Answer } from "../../story/ask.ts";
import { idempotencyKeyOf } from "../../story/idempotency.ts";
import { noteOrigin } from "../../story/incoming.ts";
import { beginJob } from "../../story/job-story.ts";
import { labelsOf } from "../../story/labels.ts";
import { toVideo, type VideoView, videoId } from "../../view/video.ts";
import { misspelt } from "../endpoint.ts";
import { callbackField, callbackUrlOf } from "../jobs/callback.ts";
import type { Sent } from "../paid-endpoint.ts";
import { type VideosBody, videosBody } from "./schema.ts";
import { secondsOf, videoDemand } from "./video-demand.ts";

/** What is asked of a vendor for a video. */
export interface AskedVideo {
  /** Checked. */
  readonly body: VideosBody;
  /** The bytes that said it. */
  readonly raw: Uint8Array;
  /** The video that it is a remix of. Absent: of none. */
  readonly remixed?: Job;
  /** As the client sees it. Absent: as OpenAI's clients do. */
  show?(job: Job): object;
}

/** Dialect of OpenAI's videos. */
const dialect = "openai.videos";
/** What the routes and their refusals are known by. */
export const videosEndpoint = { dialect, module: Module.VIDEO };
/** A video that is not made in half an hour is given up. */
const lifeMs = 30 * 60_000;
const spelling = spellingOf(Object.keys(videosBody.properties));

/** Begins a video and answers with it. Throws catalogue errors with the field's path. */
export async function beginVideo(
  context: GatewayContext,
  request: Pick<Sent, "incoming" | "headers">,
  { body, raw, remixed, show = toVideo }: AskedVideo,
  answer: Answer,
): Promise<void> {
  const param = spelling.misspelt(Object.keys(body));
  if (param !== undefined) throw misspelt(param);
  const callbackUrl = await callbackUrlOf(context, request, body.callback_url);
  const { [callbackField]: callback, ...rest } = body;
  const principal = principalOf(request);
  const demand = videoDemand(body);
  const { incoming, headers } = request;
  const idempotencyKey = idempotencyKeyOf(headers["idempotency-key"]);
  noteOrigin(incoming, { idempotencyKey, bytes: incoming.formBytes || raw.length });
  const ask = {
    incoming,
    principal,
    ...videosEndpoint,
    demand: remixed === undefined ? demand : { ...demand, addressed: videoId(remixed.requestId) },
    // It is ours to call; a vendor that was told of it would call it as well.
    body: callback === undefined ? raw : Buffer.from(JSON.stringify(rest)),
    keepsAnswer: false,
    // The job tells it, whoever asks for that.
    tellsCost: false,
    idempotencyKey,
    storeResponse: principal.storeResponse,
    labels: labelsOf(headers, body),
  };
  const view = Buffer.from(JSON.stringify(viewOf(body, principal.storeResponse, remixed)));
  context.running.entered();
  try {
    await beginJob(context, ask, answer, { lifeMs, view, callbackUrl, show, follows: remixed });
    context.limits.served(principal.keyId);
  } finally {
    context.running.left();
  }
}

function viewOf(body: VideosBody, store: StoreResponse, remixed: Job | undefined): VideoView {
  const { prompt, size } = body;
  return {
    prompt: store === StoreResponse.NONE ? null : prompt,
    seconds: secondsOf(body) ?? null,
    size: size ?? null,
    ...(remixed === undefined ? {} : { remixed_from: videoId(remixed.requestId) }),
  };
}
